package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// sourceTopic is a Kafka topic that events are sent to.
type sourceTopic struct {
	config   string // its path
	topic    string
	client   *kgo.Client
	limits   *broker.Limits
	key      []string // path of the field that becomes the record's
	finished func(error)
}

func (c *sendCommand) openTopic(ctx context.Context, s *session, p *config.Pipeline, finished func(error)) (destination, error) {
	key, err := keyPath(c.Key)
	if err != nil {
		return nil, err
	}
	topic, err := c.topic(p)
	if err != nil {
		return nil, err
	}
	// Nothing is gained by waiting for more events of a batch: while one is on
	// its way, the next fills up.
	limits := broker.NewLimits()
	client, err := connect(p, broker.LogTo(s.log), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0), limits.Option())
	if err != nil {
		return nil, err
	}
	t := &sourceTopic{config: c.Config, topic: topic, client: client, limits: limits, key: key, finished: finished}
	if err := t.inspect(ctx); err != nil {
		client.Close()
		return nil, explained(ctx, fmt.Errorf("publish to %s: %w", topic, err))
	}
	return t, nil
}

// inspect asks for the topic and what it takes, before anything is published: a
// producer that cannot reach it, or not log in, tries for longer than a person
// waits.
func (t *sourceTopic) inspect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	found, err := broker.Inspect(ctx, t.client, []broker.Topic{{Name: t.topic, Role: broker.RoleSource}})
	if err != nil {
		return err
	}
	topic := &found[0]
	switch {
	case topic.Err != nil:
		return topic.Err
	case !topic.Exists():
		return aboutTopic(t.config, t.topic, broker.ErrMissing)
	}
	if n := topic.MaxMessage(); n > 0 {
		t.limits.Set(t.topic, int32(n))
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

func (t *sourceTopic) name() string { return t.topic }
func (t *sourceTopic) close()       { t.client.Close() }

func (t *sourceTopic) publish(ctx context.Context, event []byte) error {
	record := &kgo.Record{Key: keyOf(event, t.key), Value: bytes.Clone(event)}
	if !t.limits.Fits(&penstock.Record{Topic: t.topic, Key: record.Key, Value: record.Value}) {
		return errTooLarge
	}
	t.client.Produce(ctx, record, func(_ *kgo.Record, err error) {
		if errors.Is(err, kerr.TopicAuthorizationFailed) {
			err = &broker.Refusal{Right: "Write", Resource: "topic " + t.topic, Err: err}
		}
		t.finished(err)
	})
	return nil
}

func (t *sourceTopic) flush(ctx context.Context) error { return t.client.Flush(ctx) }

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
