package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// contract is what a pipeline promises on every broker, in both ways of
// delivery.
type contract struct {
	t           *testing.T
	stream      stream
	exactlyOnce bool
}

// runContract runs all contracts on a broker; open starts a new one, or a part
// of one that is still empty.
func runContract(t *testing.T, open func(t testing.TB) stream) {
	for _, delivery := range []struct {
		name        string
		exactlyOnce bool
	}{{"exactly_once", true}, {"at_least_once", false}} {
		t.Run(delivery.name, func(t *testing.T) {
			for _, promise := range []struct {
				name string
				run  func(*contract)
			}{
				{"records", (*contract).records},
				{"keys", (*contract).keys},
				{"poison", (*contract).poison},
				{"broken", (*contract).broken},
				{"share", (*contract).share},
				{"too large", (*contract).tooLarge},
				{"latest", (*contract).latest},
				{"drain", (*contract).drain},
				{"abort", (*contract).abort},
				{"second worker", (*contract).secondWorker},
				{"away", (*contract).away},
				{"away at start", (*contract).awayAtStart},
			} {
				t.Run(promise.name, func(t *testing.T) {
					promise.run(&contract{t: t, stream: open(t), exactlyOnce: delivery.exactlyOnce})
				})
			}
		})
	}
}

func (c *contract) start(m *doubler, change ...func(*setup)) *running {
	c.t.Helper()
	return pipelineOf(c.t, c.stream, c.exactlyOnce, m, change...)
}

// id is that of an event.
func (c *contract) id(partition int32, offset int64) string {
	return fmt.Sprintf("%s/%d/%d", c.stream.Source(), partition, offset)
}

func TestKfake(t *testing.T) {
	runContract(t, func(t testing.TB) stream { return newKfake(t) })
}

// records: each event gives one prediction or one dead letter, with its key and
// headers; a tombstone nothing; the metrics say so.
func (c *contract) records() {
	t, s := c.t, c.stream
	s.Create(t, 2, 2)
	headers := []penstock.Header{{Key: "trace", Value: []byte("1")}, {Key: "trace", Value: nil}}
	s.Publish(t,
		record{Key: []byte("k"), Value: []byte(`{"x":1,"pass":"1"}`), Headers: headers},
		record{Key: []byte("gone"), Value: nil},
		record{Value: []byte{}},
		record{Key: []byte("bad"), Value: []byte("{nonsense\n"), Headers: append(headers, penstock.Header{Key: producer.HeaderAttempt, Value: []byte("2")})},
		event(0, 2),
	)
	r := c.start(&doubler{})
	predictions := s.Read(t, sink, 2)
	settled(t, predictions, 1, 2)
	for _, p := range predictions {
		if seen := p.prediction(t); seen.Pass.Pass == "1" {
			if string(p.Key) != "k" || len(p.Headers) != 2 || p.header("trace") != "1" || p.Headers[1].Key != "trace" {
				t.Errorf("key %q, headers %v", p.Key, p.Headers)
			}
			if seen.ID != c.id(0, 0) {
				t.Errorf("id %s", seen.ID)
			}
		} else if p.Key != nil || len(p.Headers) != 0 {
			t.Errorf("key %q, headers %v of an event without", p.Key, p.Headers)
		}
	}
	dead := s.Read(t, deadLetters, 2)
	if len(dead) != 2 {
		t.Fatalf("%d dead letters, want 2", len(dead))
	}
	checkDead(t, dead, c.id(0, 2), record{Value: []byte{}}, "decode", "1")
	checkDead(t, dead, c.id(0, 3), record{Key: []byte("bad"), Value: []byte("{nonsense\n"), Headers: headers}, "decode", "3")
	got := r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered+got.Skipped == 5 })
	if got.Predicted != 2 || got.DeadLettered != 2 || got.Skipped != 1 || got.Committed == 0 || got.Aborted != 0 ||
		!maps.Equal(got.DeadLetters, map[penstock.ErrorClass]int64{penstock.ClassDecode: 2}) {
		t.Errorf("totals %+v", got)
	}
	r.stop()
	if at := s.Positions(t)[0]; at != 5 {
		t.Errorf("position %d, want 5", at)
	}
}

// checkDead looks for the dead letter of the event id and compares all of it.
func checkDead(t *testing.T, dead []record, id string, original record, class, attempt string) {
	t.Helper()
	for i := range dead {
		d := &dead[i]
		if d.header(producer.HeaderSource) != id {
			continue
		}
		if !bytes.Equal(d.Key, original.Key) || !bytes.Equal(d.Value, original.Value) || d.Value == nil {
			t.Errorf("%s: key %q, value %q, want those of the event", id, d.Key, d.Value)
		}
		for i, h := range original.Headers {
			if d.Headers[i].Key != h.Key || !bytes.Equal(d.Headers[i].Value, h.Value) {
				t.Errorf("%s: header %d is %v, want the event's %v", id, i, d.Headers[i], h)
			}
		}
		own := map[string]string{}
		for _, h := range d.Headers[len(original.Headers):] {
			own[h.Key] = string(h.Value)
		}
		if _, err := time.Parse(time.RFC3339Nano, own[producer.HeaderTime]); err != nil {
			t.Errorf("%s: time %v", id, err)
		}
		if own[producer.HeaderError] == "" || bytes.ContainsAny([]byte(own[producer.HeaderError]), "\r\n") {
			t.Errorf("%s: error %q is not one line", id, own[producer.HeaderError])
		}
		delete(own, producer.HeaderTime)
		delete(own, producer.HeaderError)
		want := map[string]string{
			"penstock-error-class": class, "penstock-source": id, "penstock-pipeline": "p",
			"penstock-model": "doubler", "penstock-model-version": "7", "penstock-attempt": attempt,
		}
		if !maps.Equal(own, want) {
			t.Errorf("%s: headers\n%v, want\n%v", id, own, want)
		}
		return
	}
	t.Errorf("no dead letter of %s", id)
}

// keys: what has a key goes where Kafka's Java client would put it, what has
// none by its source partition; each partition's order stays.
func (c *contract) keys() {
	t, s := c.t, c.stream
	s.Create(t, 5, 3)
	var all []record
	for x := range 300 {
		e := event(int32(x%5), x)
		if x%2 == 0 {
			e.Key = fmt.Appendf(nil, "key-%d", x%7)
		}
		all = append(all, e)
	}
	s.Publish(t, all...)
	c.start(&doubler{})
	predictions := s.Read(t, sink, 300)
	settled(t, predictions, 0, 299)
	for _, p := range predictions {
		x, _ := strconv.Atoi(p.prediction(t).Pass.Pass)
		want := int32(x%5) % 3
		if p.Key != nil {
			want = int32(producer.Partition(&kgo.Record{Key: p.Key}, 3))
		}
		if p.Partition != want {
			t.Errorf("event %d with key %q is in partition %d, want %d", x, p.Key, p.Partition, want)
		}
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
	checkDead(t, dead, c.id(0, 6), event(0, 7), "model", "1")
	checkDead(t, dead, c.id(0, 22), event(0, 23), "timeout", "1")
	got := r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered == 40 })
	if got.DeadLetters[penstock.ClassModel] != 1 || got.DeadLetters[penstock.ClassTimeout] != 1 || got.Predicted != 38 {
		t.Errorf("totals %+v", got)
	}
}

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
	if c.exactlyOnce {
		if n := len(s.Read(t, sink, 0)) + len(s.Read(t, deadLetters, 0)); n != 0 {
			t.Errorf("%d records of the aborted epoch are there", n)
		}
	}
	if at := s.Positions(t)[0]; at != 0 {
		t.Errorf("the position moved to %d", at)
	}
}

// tooLarge: a prediction that its topic does not take becomes a dead letter; a
// dead letter that its topic does not take goes without its value.
func (c *contract) tooLarge() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	long := strings.Repeat("a", 6000)
	big := record{Key: []byte("k"), Value: fmt.Appendf(nil, `{"x":1,"pass":"%s"}`, long)}
	bad := record{Key: []byte("k"), Value: []byte("{" + long)}
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
		case c.id(0, 0):
			if d.header(producer.HeaderErrorClass) != "too_large" {
				t.Errorf("class %s", d.header(producer.HeaderErrorClass))
			}
		case c.id(0, 1):
			if d.header(producer.HeaderErrorClass) != "decode" {
				t.Errorf("class %s", d.header(producer.HeaderErrorClass))
			}
		}
		if d.Value != nil || string(d.Key) != "k" || d.header(producer.HeaderTruncated) == "" {
			t.Errorf("%s: %d bytes of value, key %q, truncated %q", d.header(producer.HeaderSource), len(d.Value), d.Key, d.header(producer.HeaderTruncated))
		}
	}
	got := r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered == 3 })
	if got.DeadLetters[penstock.ClassTooLarge] != 1 || got.DeadLetters[penstock.ClassDecode] != 1 {
		t.Errorf("totals %+v", got)
	}
}

// latest: where a new pipeline begins is committed before anything else, so
// that what was published before is never seen, whatever fails first.
func (c *contract) latest() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	m := &doubler{broken: errors.New("gone")}
	latest := func(o *setup) { o.open.Start = "latest" }
	r := c.start(m, latest)
	eventually(t, "a position", func() error {
		if at, ok := s.Positions(t)[0]; !ok || at != 10 {
			return fmt.Errorf("%d, %t", at, ok)
		}
		return nil
	})
	s.Publish(t, numbered(11, 20, 1)...)
	r.unready("model", "gone")
	r.kill()
	c.start(&doubler{}, latest)
	settled(t, s.Read(t, sink, 10), 11, 20)
}

// drain: what was polled is scored, published and committed; a drain that takes
// too long is cut, and says so.
func (c *contract) drain() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	entered, release := make(chan struct{}, 100), make(chan struct{})
	m := &doubler{before: func(rows []float32) {
		if slices.Contains(rows, 1) {
			entered <- struct{}{}
			<-release
		}
	}}
	r := c.start(m)
	s.Publish(t, numbered(1, 10, 1)...)
	<-entered
	r.drain()
	r.unready("drain", "stopping")
	close(release)
	if err := r.wait(); err != nil {
		t.Fatalf("drain: %v", err)
	}
	at := s.Positions(t)[0]
	if at == 0 {
		t.Error("the drain did not commit what was polled")
	}
	predictions := s.Read(t, sink, int(at))
	if int64(len(predictions)) != at {
		t.Errorf("position %d, but %d predictions", at, len(predictions))
	}
	stuck := make(chan struct{})
	slow := &doubler{before: func(rows []float32) {
		if slices.Contains(rows, 50) {
			entered <- struct{}{}
			<-stuck
		}
	}}
	r = c.start(slow, func(o *setup) { o.config.DrainTimeout = 50 * time.Millisecond })
	s.Publish(t, event(0, 50))
	<-entered
	r.drain()
	time.AfterFunc(300*time.Millisecond, func() { close(stuck) })
	if err := r.wait(); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("a drain that was cut ended with %v", err)
	}
}

// abort: nothing of the open epoch is there, and it comes again.
func (c *contract) abort() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	m := &doubler{before: func(rows []float32) {
		if slices.Contains(rows, 40) {
			once.Do(func() { close(entered); <-release })
		}
	}}
	r := c.start(m, func(o *setup) { o.config.BatchRows = 8; o.config.CommitInterval = time.Minute })
	s.Publish(t, numbered(1, 60, 1)...)
	<-entered
	r.Abort()
	close(release)
	if err := r.wait(); err == nil {
		t.Error("an abort ended without an error")
	}
	c.start(&doubler{})
	predictions := s.Read(t, sink, 60)
	if c.exactlyOnce {
		settled(t, predictions, 1, 60)
	}
}

// secondWorker: a worker that joins takes partitions over while epochs are
// open; nothing is lost, and exactly once nothing is doubled. Nor when it
// leaves.
func (c *contract) secondWorker() {
	t, s := c.t, c.stream
	s.Create(t, 4, 4)
	slow := func() *doubler {
		return &doubler{before: func([]float32) { time.Sleep(2 * time.Millisecond) }}
	}
	small := func(o *setup) { o.config.BatchRows = 4 }
	c.start(slow(), small)
	s.Publish(t, numbered(1, 500, 4)...)
	second := c.start(slow(), small, func(o *setup) { o.open.Instance = "b" })
	s.Publish(t, numbered(501, 1000, 4)...)
	eventually(t, "partitions of the second", func() error {
		if n := len(second.Status().Partitions); n == 0 || n == 4 {
			return fmt.Errorf("%d partitions", n)
		}
		return nil
	})
	s.Publish(t, numbered(1001, 1500, 4)...)
	second.stop()
	s.Publish(t, numbered(1501, 2000, 4)...)
	predictions := s.Read(t, sink, 2000)
	if c.exactlyOnce {
		settled(t, predictions, 1, 2000)
		return
	}
	complete(t, predictions, 1, 2000)
}

// away: a broker that goes away while epochs are open is waited for.
func (c *contract) away() {
	t, s := c.t, c.stream
	s.Create(t, 2, 2)
	r := c.start(&doubler{before: func([]float32) { time.Sleep(time.Millisecond) }}, func(o *setup) { o.config.BatchRows = 4 })
	s.Publish(t, numbered(1, 400, 2)...)
	s.Read(t, sink, 1)
	back := s.Away(t)
	r.unready("broker", "broker")
	back()
	s.Publish(t, numbered(401, 500, 2)...)
	predictions := s.Read(t, sink, 500)
	if c.exactlyOnce {
		settled(t, predictions, 1, 500)
	} else {
		complete(t, predictions, 1, 500)
	}
	r.ready()
}

// awayAtStart: a broker that is not there yet, and topics that are not, are
// waited for, and /readyz says which.
func (c *contract) awayAtStart() {
	t, s := c.t, c.stream
	back := s.Away(t)
	r := c.start(&doubler{})
	r.unready("broker", "broker")
	back()
	r.unready("broker", "topic "+s.Source()+" (source) is missing")
	s.Create(t, 2, 2)
	s.Publish(t, numbered(1, 10, 2)...)
	settled(t, s.Read(t, sink, 10), 1, 10)
	r.ready()
}
