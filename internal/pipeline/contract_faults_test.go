package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// broken: a runtime that fails on good rows too is no event's fault. Nothing is
// dead-lettered, what precedes is committed, the pipeline says why it waits,
// and goes on when the runtime does.
func (c *contract) broken() {
	t, s := c.t, c.stream
	s.Create(t, 2, 2)
	// The runtime breaks in the third batch of an epoch, and not at its first
	// row: what was found out about the rows before it counts.
	m := &doubler{fails: map[float32]bool{40: true}}
	m.before = func(rows []float32) {
		if len(rows) == 1 && rows[0] == 40 {
			m.setBroken(errors.New("the device is gone"))
		}
	}
	s.Publish(t, numbered(1, 100, 1)...)
	r := c.start(m, func(o *setup) { o.config.BatchRows = 16; o.config.CommitInterval = time.Minute })
	r.unready("model", "the device is gone")
	before := s.Read(t, sink, 39)
	if at := s.Positions(t)[0]; at != 39 || len(before) != 39 {
		t.Errorf("the position is %d, and %d predictions are there; the runtime broke at the 40th", at, len(before))
	}
	m.mu.Lock()
	m.before, m.fails = nil, nil
	m.mu.Unlock()
	m.setBroken(nil)
	predictions := s.Read(t, sink, 100)
	settled(t, predictions, 1, 100)
	r.ready()
	if dead := s.Read(t, deadLetters, 0); len(dead) != 0 {
		t.Errorf("%d dead letters for a broken runtime", len(dead))
	}
}

// share: when too many events would become dead letters, something else is
// wrong. The pipeline ends, and nothing of the epoch is there.
func (c *contract) share() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	var all []record
	for x := range 200 {
		e := event(0, x)
		if x%2 == 0 {
			e.Value = []byte("{}")
		}
		all = append(all, e)
	}
	s.Publish(t, all...)
	r := c.start(&doubler{}, func(o *setup) { o.config.MaxDeadShare = 0.4; o.config.BatchRows = 256 })
	err := r.wait()
	if share, ok := errors.AsType[*pipeline.ErrShare](err); !ok || share.Events < 100 || share.Dead*5 < share.Events*2 {
		t.Fatalf("ended with %v, want an ErrShare", err)
	}
	// Less than a hundred events say nothing yet: the first epoch may be of such.
	at := s.Positions(t)[0]
	if at >= 100 {
		t.Errorf("the position moved to %d", at)
	}
	if c.exactlyOnce {
		if n := int64(len(s.Read(t, sink, 0)) + len(s.Read(t, deadLetters, 0))); n != at {
			t.Errorf("%d records are there, and the position is %d", n, at)
		}
	}
}

// tooLarge: a prediction that its topic does not take becomes a dead letter; a
// dead letter that its topic does not take goes without its value.
func (c *contract) tooLarge() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	long := strings.Repeat("a", 6000)
	big := record{Key: s.Key("k"), Value: fmt.Appendf(nil, `{"x":1,"pass":"%s"}`, long)}
	bad := record{Key: s.Key("k"), Value: []byte("{" + long)}
	s.Publish(t, big, bad, event(0, 2))
	r := c.start(&doubler{}, func(o *setup) {
		o.config.Limits = broker.NewLimits() // not the session's, which learns the topics' own
		o.config.Limits.Set(o.config.SinkTopic, 4000)
		o.config.Limits.Set(o.config.DeadLetters.Topic(s.Source()), 6100)
		o.config.DeadLetters.Limits = o.config.Limits
	})
	settled(t, s.Read(t, sink, 1), 2, 2)
	dead := s.Read(t, deadLetters, 2)
	for i := range dead {
		d := &dead[i]
		switch d.header(producer.HeaderSource) {
		case s.ID(0, 0):
			if d.header(producer.HeaderErrorClass) != "too_large" || !strings.HasPrefix(d.header(producer.HeaderError), "the prediction is too large: with key and headers it has ") {
				t.Errorf("class %s", d.header(producer.HeaderErrorClass))
			}
		case s.ID(0, 1):
			if d.header(producer.HeaderErrorClass) != "decode" {
				t.Errorf("class %s", d.header(producer.HeaderErrorClass))
			}
		}
		if d.Value != nil || !bytes.Equal(d.Key, s.Key("k")) || d.header(producer.HeaderTruncated) == "" {
			t.Errorf("%s: %d bytes of value, key %q, truncated %q", d.header(producer.HeaderSource), len(d.Value), d.Key, d.header(producer.HeaderTruncated))
		}
	}
	got := r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered == 3 })
	if got.DeadLetters[penstock.ClassTooLarge] != 1 || got.DeadLetters[penstock.ClassDecode] != 1 {
		t.Errorf("totals %+v", got)
	}
}

// poison: who spoils a run is alone to blame, and is not tried again after an
// abort.
func (c *contract) poison() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	m := &doubler{fails: map[float32]bool{7: true}, hangs: map[float32]bool{23: true}}
	s.Publish(t, numbered(1, 40, 1)...)
	r := c.start(m)
	predictions := s.Read(t, sink, 38)
	settled(t, predictions, 1, 40, 7, 23)
	dead := s.Read(t, deadLetters, 2)
	checkDead(t, dead, s.ID(0, 6), event(0, 7), "model", "1")
	checkDead(t, dead, s.ID(0, 22), event(0, 23), "timeout", "1")
	got := r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered == 40 })
	if got.DeadLetters[penstock.ClassModel] != 1 || got.DeadLetters[penstock.ClassTimeout] != 1 || got.Predicted != 38 {
		t.Errorf("totals %+v", got)
	}
}
