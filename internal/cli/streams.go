package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// embeddedStreams says why nobody is asked about them.
const embeddedStreams = "the streams are made at the start, by the server inside the process, and nobody needs a permission"

// embedded shows what penstock run will make.
func (c *topicsCommand) embedded(s *session, p *config.Pipeline) error {
	fmt.Fprintf(s.Err, "broker.embedded is not asked: %s\n", embeddedStreams)
	return printStreams(s.Out, broker.NeededStreams(p), nil, "made at the start")
}

// nats shows the streams and the permissions, after creating what is missing.
func (c *topicsCommand) nats(ctx context.Context, s *session, f *config.File) error {
	p := &f.Pipeline
	permissions := neededPermissions(p)
	server, err := dialNATS(p)
	if err != nil {
		// What is needed is worth knowing before the server can be asked.
		return errors.Join(c.printNATS(s, p, nil, permissions), explained(ctx, err))
	}
	defer server.close()
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	found, err := server.inspect(asking)
	if err == nil && c.Create {
		found, err = c.createStreams(asking, s, server, found)
	}
	switch kind := broker.Diagnose(err).Kind; {
	case err != nil && kind != broker.Denied:
		return errors.Join(c.printNATS(s, p, found, permissions), explained(ctx, err))
	default: // the permissions say what is denied
		probed := server.probe(asking, permissions)
		err = errors.Join(c.printNATS(s, p, found, permissions), explained(ctx, err), explained(ctx, probed))
	}
	if err != nil {
		return err
	}
	var denied string
	if slices.ContainsFunc(permissions, func(p permission) bool { return p.has == verdictMissing }) {
		denied = "the user lacks the permissions that are marked missing"
	}
	return c.judge(s, f, "streams", broker.CompareStreams(p, found), denied)
}

// createStreams makes what is missing and looks again.
func (c *topicsCommand) createStreams(ctx context.Context, s *session, server *natsServer, found []broker.FoundStream) ([]broker.FoundStream, error) {
	guarded, stop := server.liveness.Guard(ctx)
	made, err := broker.CreateStreams(guarded, server.js, found, false)
	stop()
	for _, stream := range made {
		fmt.Fprintf(s.Err, "created stream %s\n", stream.Name)
	}
	if err != nil {
		return found, err
	}
	return server.inspect(ctx)
}

func (*topicsCommand) printNATS(s *session, p *config.Pipeline, found []broker.FoundStream, permissions []permission) error {
	err := printStreams(s.Out, broker.NeededStreams(p), found, string(verdictUnknown))
	printPermissions(s.Out, permissions)
	return err
}

// printStreams shows the streams; found is nil where the server could not be
// asked, and state says why.
func printStreams(w io.Writer, needed []broker.Stream, found []broker.FoundStream, state string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STREAM\tIS\tSTATE\tSUBJECTS\tSETTINGS")
	for i := range needed {
		settings, state := &needed[i].Settings, state
		if found != nil {
			switch f := &found[i]; {
			case f.Exists():
				settings, state = f.Has, string(verdictOK)
			case f.Err == nil:
				state = string(verdictMissing)
			}
		}
		subjects := "-"
		if len(settings.Subjects) > 0 {
			subjects = strings.Join(settings.Subjects, " ")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", needed[i].Name, needed[i].Role, state, subjects, streamSettings(settings))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print streams: %w", err)
	}
	return nil
}

// streamSettings writes those that matter to a pipeline under the names that
// they have in the server's own JSON.
func streamSettings(c *jetstream.StreamConfig) string {
	all := []string{"retention=" + strings.ToLower(c.Retention.String()), "storage=" + strings.ToLower(c.Storage.String())}
	add := func(given bool, format string, value ...any) {
		if given {
			all = append(all, fmt.Sprintf(format, value...))
		}
	}
	add(c.Replicas > 0, "num_replicas=%d", c.Replicas)
	add(c.MaxAge > 0, "max_age=%s", c.MaxAge)
	add(c.MaxBytes > 0, "max_bytes=%d", c.MaxBytes)
	add(c.MaxMsgs > 0, "max_msgs=%d", c.MaxMsgs)
	add(c.MaxMsgsPerSubject > 0, "max_msgs_per_subject=%d", c.MaxMsgsPerSubject)
	add(c.MaxMsgSize > 0, "max_msg_size=%d", c.MaxMsgSize)
	add(c.Discard == jetstream.DiscardNew, "discard=new")
	add(c.Duplicates > 0, "duplicate_window=%s", c.Duplicates)
	add(c.AllowAtomicPublish, "allow_atomic")
	add(c.AllowRollup, "allow_rollup_hdrs")
	add(c.AllowMsgTTL, "allow_msg_ttl")
	add(c.AllowDirect, "allow_direct")
	return strings.Join(all, " ")
}
