package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/penstock/penstock/internal/config"
)

// Permission is one that the pipeline's user needs.
type Permission struct {
	Subject   string // what is published or subscribed to
	Subscribe bool
	// Path is of the config, where a problem with it is shown.
	Path []string
	// probe is a subject that the permission covers, and where a message does
	// nothing; empty where there is none.
	probe string
}

// probing stands in subjects for a consumer or a subject that there never is.
const probing = "penstock-probe"

// NATSPermissions are the fewest that running a pipeline takes, and the commands
// that look at it: publishing first.
func NATSPermissions(p *config.Pipeline) []Permission {
	source, own := p.Source.Stream, p.Sink.Stream
	atSource, atOwn := []string{"source", "stream"}, []string{"sink", "stream"}
	all := []Permission{
		api("STREAM.NAMES", "", atOwn), // who takes the subjects of a stream that is to be made
		api("STREAM.CREATE."+own, "", atOwn),
		api("STREAM.INFO."+own, "", atOwn),
		api("STREAM.PURGE."+own, "", atOwn), // of attempts that have proven harmless
		api("DIRECT.GET."+own+".", ">", atOwn),
	}
	all = append(all, consumes(own, atOwn)...)                   // who is there, and reads what
	all = append(all, api("CONSUMER.INFO."+own+".", "*", atOwn)) // until all of that was read
	if p.CreateTopics {
		all = append(all, api("STREAM.CREATE."+source, "", atSource))
	}
	all = append(all,
		api("STREAM.INFO."+source, "", atSource),
		api("STREAM.MSG.GET."+source, "", atSource), // where the source ends
	)
	all = append(all, consumes(source, atSource)...)
	// What waits for a filter; and exactly once, how far at least once came before.
	all = append(all, api("CONSUMER.INFO."+source+".", "*", atSource))
	if p.Delivery == "at_least_once" {
		all = append(all, api("CONSUMER.RESET."+source+".", "*", atSource))
		// The second is what servers use that have js_ack_fc_v2 on: a domain and
		// an account come first.
		for _, format := range []string{"$JS.ACK.%s.", "$JS.ACK.*.*.%s."} {
			subject := fmt.Sprintf(format, source)
			all = append(all, Permission{Subject: subject + ">", Path: atSource, probe: strings.ReplaceAll(subject, "*", probing) + probing})
		}
	}
	for _, subject := range NewSubjects(p).All() {
		right := Permission{Subject: subject, Path: []string{"sink", "subject"}}
		if subject == p.Name+".>" {
			right.Path, right.probe = []string{"name"}, p.Name+"."+probing
		}
		all = append(all, right)
	}
	return append(all, Permission{Subject: nats.InboxPrefix + ">", Subscribe: true, Path: []string{"broker", "nats"}, probe: nats.InboxPrefix + probing})
}

// consumes is what consumers of a stream take.
func consumes(stream string, path []string) []Permission {
	return []Permission{
		api("CONSUMER.CREATE."+stream+".", ">", path),
		api("CONSUMER.MSG.NEXT."+stream+".", "*", path),
		api("CONSUMER.DELETE."+stream+".", "*", path),
	}
}

// api is the right to one request of JetStream's, and all that rest stands
// for.
func api(request, rest string, path []string) Permission {
	const prefix = "$JS.API."
	p := Permission{Subject: prefix + request + rest, Path: path, probe: prefix + request}
	if rest != "" {
		p.probe += probing
	}
	return p
}

// ErrNotProbed says that it cannot be known whether a permission is there.
var ErrNotProbed = errors.New("it cannot be asked for without a message to whoever listens")

// Probe tells whether the user of a connection has a permission: nil, or a
// refusal that Diagnose calls Denied; any other error leaves it open. It stores
// nothing: the API gets requests that it cannot read, for what is not there, and
// a stream a message that is meant for another. The server refuses before it
// answers the ping of a flush, so that what is not refused by then is allowed.
func (p *Permission) Probe(ctx context.Context, conn *nats.Conn) error {
	if p.probe == "" {
		return ErrNotProbed
	}
	if err := p.try(ctx, conn); err != nil {
		return fmt.Errorf("ask whether %s is allowed: %w", p.Subject, reason(ctx, err))
	}
	last := conn.LastError()
	if m := refusedSubject.FindStringSubmatch(fmt.Sprint(last)); m != nil && m[2] == p.probe {
		return last
	}
	return nil
}

// Refused gives a permission that the server said the user of a connection lacks
// since its LastError was before; nil where it did not. It is for what nobody
// waits for: a refusal comes before the answer to a later ping.
func Refused(ctx context.Context, conn *nats.Conn, before error) error {
	if err := conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("wait for the server: %w", err)
	}
	return refusedSince(conn, before)
}

// refusedSince gives a connection's last error where that is a permission the user
// lacks, and another error than the one before; nil otherwise.
func refusedSince(conn *nats.Conn, before error) error {
	if last := conn.LastError(); last != before && errors.Is(last, nats.ErrPermissionViolation) {
		return last
	}
	return nil
}

func (p *Permission) try(ctx context.Context, conn *nats.Conn) error {
	if p.Subscribe {
		sub, err := conn.SubscribeSync(p.probe)
		if err != nil {
			return err
		}
		return errors.Join(conn.FlushWithContext(ctx), sub.Unsubscribe())
	}
	m := nats.NewMsg(p.probe)
	// The API refuses what wants a level that it does not have, and what is no
	// JSON; a stream refuses what is meant for one of another name.
	m.Header.Set("Nats-Required-Api-Level", "1000000")
	m.Header.Set("Nats-Expected-Stream", ".")
	m.Data = []byte("{")
	if err := conn.PublishMsg(m); err != nil {
		return err
	}
	return conn.FlushWithContext(ctx)
}
