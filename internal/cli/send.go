package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/eventfile"
)

type sendCommand struct {
	Config string   `arg:"" help:"Pipeline file."`
	Files  []string `arg:"" optional:"" help:"Files of JSON lines; - or none is stdin."`

	Rate    float64  `placeholder:"N" help:"Events a second; default: as fast as the broker takes them."`
	Key     string   `placeholder:"PATH" help:"Kafka: field that becomes the record's key, such as customer.id."`
	Topic   string   `placeholder:"TOPIC" help:"Kafka: which of the source's topics, where it has several."`
	Subject string   `placeholder:"SUBJECT" help:"NATS: where the events go, such as transactions.eu; needed where the source has several filters, or one with a wildcard."`
	Set     []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
	Quiet   bool     `short:"q" help:"No progress bar and no summary."`
}

// Help is the example that --help shows.
func (sendCommand) Help() string {
	return `Publishes each line to the source, byte for byte and whatever is in it, so that bad events can be tried out too. Blank lines are left out, and so are lines that are too large for the source; the summary counts these and names the first.

With --rate, events leave at a steady pace that does not slow down when the broker does. An event whose --key is absent, null, or not to be found because the line is no JSON, goes without a key.

On NATS all events of a run go to one subject: the source's filter where that is one subject, or else --subject, which one of the filters must take. A server that goes away is waited for, up to 15 s; what it had not acknowledged is published again under the same message ids, so that each event is there once as long as the source's duplicate_window outlasts that. A run that was cut short and is run again publishes its events again, under other ids. With broker.embedded they go to the process that keeps the folder, by its broker.embedded.listen; where there is none, they are put into the folder, for the next penstock run.

Example:

    penstock send fraud.yaml events.jsonl --rate 1000 --key customer.id
    penstock send fraud-nats.yaml events.jsonl --subject transactions.eu`
}

// Run publishes the events.
func (c *sendCommand) Run(ctx context.Context, s *session) (err error) {
	if c.Rate < 0 {
		return &refusal{errors.New("--rate must be above 0")}
	}
	inputs, bytes, err := c.inputs(s.In)
	if err != nil {
		return err
	}
	f, err := s.loadPipeline(c.Config, c.Set)
	if err != nil {
		return err
	}
	out := &sending{pace: pace{rate: c.Rate}}
	if out.to, err = c.open(ctx, s, &f.Pipeline, out.finished); err != nil {
		return err
	}
	defer out.to.close()
	out.bar = newProgress(s.Err, s.Out, bytes, time.Now())
	if c.Quiet || s.logJSON {
		out.bar.w = nil
	}
	err = out.run(ctx, inputs)
	out.bar.clear()
	if !c.Quiet {
		out.summarize(s, out.to.name())
	}
	if err != nil {
		return explained(ctx, fmt.Errorf("publish to %s: %w", out.to.name(), err))
	}
	return nil
}

// open connects to where the events go; finished is told of each.
func (c *sendCommand) open(ctx context.Context, s *session, p *config.Pipeline, finished func(error)) (destination, error) {
	onKafka := p.Broker.Kafka != nil
	for _, flag := range []struct {
		name, value string
		fits        bool
		instead     string
	}{
		{"--key", c.Key, onKafka, "on NATS the subject serves as key"},
		{"--topic", c.Topic, onKafka, "on NATS give --subject"},
		{"--subject", c.Subject, !onKafka, "on Kafka give --topic"},
	} {
		if flag.value != "" && !flag.fits {
			return nil, &refusal{fmt.Errorf("%s does not fit the broker: %s", flag.name, flag.instead)}
		}
	}
	if onKafka {
		return c.openTopic(ctx, s, p, finished)
	}
	return c.openSubject(ctx, s, p, finished)
}

// inputs checks the files. A row of CSV or Parquet has no one text as an event:
// what has no type, or a name with dots, would have to be guessed.
func (c *sendCommand) inputs(stdin io.Reader) (inputs []input, bytes int64, err error) {
	files := c.Files
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, path := range files {
		if format, err := eventfile.FormatOf(path); err == nil && format != eventfile.JSONLines {
			return nil, 0, &refusal{fmt.Errorf("%s is %s; events are published as they are, so convert it to JSON lines first", path, format)}
		}
		in, size, err := openInput(path, eventfile.JSONLines, stdin)
		if err != nil {
			return nil, 0, &refusal{err}
		}
		inputs = append(inputs, in)
		bytes += size
	}
	return inputs, bytes, nil
}
