package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/eventfile"
)

type sendCommand struct {
	Config string   `arg:"" help:"Pipeline file."`
	Files  []string `arg:"" optional:"" help:"Files of JSON lines; - or none is stdin."`

	Rate  float64  `placeholder:"N" help:"Events a second; default: as fast as the broker takes them."`
	Key   string   `placeholder:"PATH" help:"Field that becomes the record's key, such as customer.id."`
	Topic string   `placeholder:"TOPIC" help:"Which of the source's topics, where it has several."`
	Set   []string `placeholder:"PATH=VALUE" sep:"none" help:"Override a value of the config, as often as needed."`
	Quiet bool     `short:"q" help:"No progress bar and no summary."`
}

// Help is the example that --help shows.
func (sendCommand) Help() string {
	return `Publishes each line to the source topic, byte for byte and whatever is in it, so that bad events can be tried out too. Blank lines are left out.

With --rate, events leave at a steady pace that does not slow down when the broker does. An event whose --key is absent, null, or not to be found because the line is no JSON, goes without a key.

Example:

    penstock send fraud.yaml events.jsonl --rate 1000 --key customer.id`
}

// Run publishes the events.
func (c *sendCommand) Run(ctx context.Context, s *session) (err error) {
	if c.Rate < 0 {
		return &refusal{errors.New("--rate must be above 0")}
	}
	key, err := keyPath(c.Key)
	if err != nil {
		return err
	}
	inputs, bytes, err := c.inputs(s.In)
	if err != nil {
		return err
	}
	f, err := s.loadStream(c.Config, c.Set)
	if err != nil {
		return err
	}
	topic, err := c.topic(&f.Pipeline)
	if err != nil {
		return err
	}
	// Nothing is gained by waiting for more events of a batch: while one is on
	// its way, the next fills up.
	client, err := connect(&f.Pipeline, broker.LogTo(s.log), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	defer client.Close()
	out := &sending{client: client, key: key, pace: pace{rate: c.Rate}, bar: newProgress(s.Err, s.Out, bytes, time.Now())}
	if c.Quiet || s.logJSON {
		out.bar.w = nil
	}
	err = out.run(ctx, inputs)
	out.bar.clear()
	if !c.Quiet {
		out.summarize(s, topic)
	}
	if err != nil {
		if errors.Is(err, kerr.TopicAuthorizationFailed) {
			err = &broker.Refusal{Right: "Write", Resource: "topic " + topic, Err: err}
		}
		return explained(ctx, fmt.Errorf("publish to %s: %w", topic, err))
	}
	return nil
}

// topic is where the events go.
func (c *sendCommand) topic(p *config.Pipeline) (string, error) {
	all := p.Source.AllTopics()
	switch {
	case c.Topic == "" && len(all) == 1:
		return all[0], nil
	case c.Topic == "":
		return "", &refusal{fmt.Errorf("the source has several topics; choose with --topic one of %s", strings.Join(all, ", "))}
	case !slices.Contains(all, c.Topic):
		return "", &refusal{fmt.Errorf("--topic %s is not of the source, which has %s", c.Topic, strings.Join(all, ", "))}
	}
	return c.Topic, nil
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
