package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

type topicsCommand struct {
	Config string   `arg:"" help:"Pipeline file."`
	Create bool     `help:"Create the topics or streams that are missing."`
	Set    []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
}

// Help is the example that --help shows.
func (topicsCommand) Help() string {
	return `Shows the topics or streams that the pipeline needs and the rights that its user needs, and which of them are there. The rights are written as the arguments of kafka-acls.sh --add, those on NATS as a user's permissions in a server's configuration. The exit code is 0 when all is there, 1 when something is missing or wrong; warnings leave it 0.

What is created on Kafka has the broker's own replication; the sink and the dead letters get as many partitions as the source, and so does a missing source as the broker's default has. On NATS the pipeline's own stream gets as many replicas as the source, and a missing source takes the subjects of its filters.

The rights are those of penstock run. Whoever uses penstock send needs Write on the source (on NATS: to publish to its subjects), penstock dlq Read on the dead letters, and dlq redrive Write on the source too. Brokers before Kafka 2.8 also want IdempotentWrite on the cluster.

Example:

    penstock topics fraud.yaml
    penstock topics fraud.yaml --create`
}

// Run shows the topics or streams and the rights, after creating what is missing.
func (c *topicsCommand) Run(ctx context.Context, s *session) error {
	f, err := s.loadPipeline(c.Config, c.Set)
	if err != nil {
		return err
	}
	switch b := f.Pipeline.Broker; {
	case b.NATS != nil:
		return c.nats(ctx, s, f)
	case b.Embedded != nil:
		return c.embedded(s, &f.Pipeline)
	}
	return c.kafka(ctx, s, f)
}

func (c *topicsCommand) kafka(ctx context.Context, s *session, f *config.File) error {
	p := &f.Pipeline
	client, err := connect(p)
	if err != nil {
		return err
	}
	defer client.Close()
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	needed := broker.NeededTopics(p)
	rights := neededRights(p, needed)
	found, err := broker.Inspect(asking, client, needed)
	if err != nil {
		// What is needed is worth knowing before the cluster can be asked.
		err = explained(ctx, err)
		return errors.Join(c.print(s, p, nil, rights), err)
	}
	if c.Create {
		if found, err = s.createTopics(asking, client, found); err != nil {
			return explained(ctx, err)
		}
	}
	err = explained(ctx, checkRights(asking, client, p, rights, found))
	if err = errors.Join(c.print(s, p, found, rights), err); err != nil {
		return err
	}
	var denied string
	if slices.ContainsFunc(rights, func(r right) bool { return r.has == verdictMissing }) {
		denied = "the user lacks the rights that are marked missing; grant them with kafka-acls.sh --add"
	}
	return c.judge(s, f, "topics", broker.Compare(found), denied)
}

func (*topicsCommand) print(s *session, p *config.Pipeline, found []broker.FoundTopic, rights []right) error {
	err := printTopics(s.Out, broker.NeededTopics(p), found)
	printRights(s.Out, principal(p.Broker.Kafka), rights)
	return err
}

// createTopics makes what is missing and looks again.
func (s *session) createTopics(ctx context.Context, client *kgo.Client, found []broker.FoundTopic) ([]broker.FoundTopic, error) {
	made, err := broker.Create(ctx, client, found, false)
	needed := make([]broker.Topic, len(found))
	for i := range found {
		needed[i] = found[i].Topic
	}
	for _, t := range made {
		fmt.Fprintf(s.Err, "created topic %s\n", t.Name)
	}
	if err != nil {
		return nil, err
	}
	return awaitTopics(ctx, client, needed)
}

// awaitTopics looks for topics until all are there: a broker may hear of a new
// one a moment after the controller made it.
func awaitTopics(ctx context.Context, client *kgo.Client, needed []broker.Topic) ([]broker.FoundTopic, error) {
	for {
		found, err := broker.Inspect(ctx, client, needed)
		if err != nil || !slices.ContainsFunc(found, func(f broker.FoundTopic) bool { return f.Err == nil && !f.Exists() }) {
			return found, err
		}
		select {
		case <-time.After(settling):
		case <-ctx.Done():
			return found, nil // what is missing still is shown
		}
	}
}

// judge prints what is wrong with the topics or streams, and gives the command's
// outcome. denied says what of the rights is missing.
func (c *topicsCommand) judge(s *session, f *config.File, what string, findings []broker.Finding, denied string) error {
	var missing []string
	var problems []inference.Problem
	wrong := false
	for _, finding := range findings {
		switch {
		case finding.Missing:
			missing = append(missing, finding.Name)
		case finding.Denied: // the rights say so
		default:
			problems = append(problems, problemOf(&finding))
			wrong = wrong || !finding.Warning
		}
	}
	for _, line := range f.Render(problems) {
		fmt.Fprintln(s.Err, line)
	}
	var errs []string
	if len(missing) > 0 {
		errs = append(errs, fmt.Sprintf("missing: %s; penstock topics %s --create makes them", strings.Join(missing, ", "), c.Config))
	}
	if denied != "" {
		errs = append(errs, denied)
	}
	if wrong {
		errs = append(errs, what+" are not as they must be; the lines above say how")
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.New(strings.Join(errs, "\n"))
}

// problemOf places a finding in the config.
func problemOf(finding *broker.Finding) inference.Problem {
	return inference.Problem{Path: finding.Path, Message: finding.Text, Hint: finding.Hint, Warning: finding.Warning}
}

// printTopics shows the topics; found is nil where the cluster could not be
// asked.
func printTopics(w io.Writer, needed []broker.Topic, found []broker.FoundTopic) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOPIC\tIS\tPARTITIONS\tSETTINGS\tSTATE")
	for i := range needed {
		partitions, settings, state := wantedPartitions(&needed[i]), needed[i].Configs, verdictUnknown
		if found != nil {
			switch f := &found[i]; {
			case f.Exists():
				partitions, settings, state = strconv.Itoa(int(f.Partitions)), f.Settings, verdictOK
			case f.Err == nil:
				state = verdictMissing
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", needed[i].Name, needed[i].Role, partitions, settingsText(settings), state)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print topics: %w", err)
	}
	return nil
}

// wantedPartitions says how many partitions a topic is created with.
func wantedPartitions(t *broker.Topic) string {
	switch {
	case len(t.Like) > 0:
		return "as " + strings.Join(t.Like, ", ")
	case t.Partitions < 0:
		return "the broker's default"
	}
	return strconv.Itoa(int(t.Partitions))
}

func settingsText(settings map[string]string) string {
	if len(settings) == 0 {
		return "-"
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		all = append(all, name+"="+settings[name])
	}
	return strings.Join(all, " ")
}

func printRights(w io.Writer, principal string, rights []right) {
	fmt.Fprintln(w, "\nRIGHTS")
	for i := range rights {
		fmt.Fprintf(w, "%-8s %s\n", rights[i].has, rights[i].arguments(principal))
	}
}
