package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
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

// sending is one run of the command.
type sending struct {
	client *kgo.Client
	key    []string
	pace   pace
	bar    *progress

	sent   tally // given to the client
	acked  atomic.Int64
	failed atomic.Pointer[error] // the first event that the broker did not take
	left   int64                 // events too large to be read
}

func (s *sending) run(ctx context.Context, inputs []input) error {
	s.pace.start = time.Now()
	var read int64
	var err error
	for _, open := range inputs {
		var done int64
		done, err = s.file(ctx, open, read)
		if read += done; err != nil {
			break
		}
	}
	// What was given out is on its way also when there is no more to come.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	if flushErr := s.client.Flush(ctx); err == nil {
		err = flushErr
	}
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return err
}

// file publishes one file, and gives the bytes that it read.
func (s *sending) file(ctx context.Context, open input, before int64) (done int64, err error) {
	r, err := open(eventfile.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var chunk eventfile.Chunk
	for {
		err := r.Next(&chunk)
		done, _ = r.Progress()
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
		for i := range chunk.Len() {
			if chunk.Rejection(i) != nil {
				s.left++
				continue
			}
			if err := s.event(ctx, chunk.Value(i)); err != nil {
				return done, err
			}
			s.bar.update(&s.sent, before+done, time.Now())
		}
	}
}

// event publishes one event when it is its time.
func (s *sending) event(ctx context.Context, value []byte) error {
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	if err := s.pace.wait(ctx, s.sent.predicted); err != nil {
		return err
	}
	record := &kgo.Record{Key: keyOf(value, s.key), Value: bytes.Clone(value)} // the chunk is filled anew
	s.client.Produce(ctx, record, func(_ *kgo.Record, err error) {
		if err != nil {
			s.failed.CompareAndSwap(nil, &err)
			return
		}
		s.acked.Add(1)
	})
	s.sent.predicted++
	return nil
}

func (s *sending) summarize(se *session, topic string) {
	took, acked := time.Since(s.bar.started), s.acked.Load()
	t := tally{predicted: acked}
	if se.logJSON {
		se.log.Info("sent", "topic", topic, "events", acked, "seconds", took.Seconds(), "left_out", s.left)
		return
	}
	fmt.Fprintf(se.Err, "%s events in %s (%s/s) to %s", count(acked), took.Round(time.Millisecond), rate(&t, took), topic)
	if s.left > 0 {
		fmt.Fprintf(se.Err, "; %s lines were too large and left out", count(s.left))
	}
	fmt.Fprintln(se.Err)
}

// pace spreads events evenly over time. When it falls behind it catches up, so
// that what a slow broker delays is seen as delay and not as less load.
type pace struct {
	start time.Time
	rate  float64 // a second; 0: no limit
}

// wait waits until event n, from 0, is due.
func (p *pace) wait(ctx context.Context, n int64) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	due := p.start.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	early := time.Until(due)
	if early <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(early):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keyPath splits a field's path.
func keyPath(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	keys := strings.Split(path, ".")
	if slices.Contains(keys, "") || strings.ContainsAny(path, "[]") {
		return nil, &refusal{fmt.Errorf("--key must be a field's name, or names with dots between, such as customer.id, not %q", path)}
	}
	return keys, nil
}

// keyOf is the record key that an event's field makes: text as it is, all else
// as it stands in the JSON.
func keyOf(event []byte, path []string) []byte {
	if path == nil {
		return nil
	}
	field := json.RawMessage(event)
	for _, name := range path {
		var fields map[string]json.RawMessage
		if json.Unmarshal(field, &fields) != nil || fields[name] == nil {
			return nil
		}
		field = fields[name]
	}
	var text *string
	switch err := json.Unmarshal(field, &text); {
	case err != nil:
		return bytes.Clone(field)
	case text == nil: // null
		return nil
	}
	return []byte(*text)
}
