package pipeline_test

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
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

// eachDelivery runs a test in both ways of delivery.
func eachDelivery(t *testing.T, test func(t *testing.T, exactlyOnce bool)) {
	t.Run("exactly_once", func(t *testing.T) { test(t, true) })
	t.Run("at_least_once", func(t *testing.T) { test(t, false) })
}

// runContract runs all contracts on a broker; open starts a new one, or a part
// of one that is still empty. Contracts wait most of the time and run side by
// side, but for those that take a shared broker away.
func runContract(t *testing.T, shared bool, open func(t testing.TB) stream) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		for _, promise := range []struct {
			name string
			run  func(*contract)
			away bool
		}{
			{name: "records", run: (*contract).records},
			{name: "keys", run: (*contract).keys},
			{name: "poison", run: (*contract).poison},
			{name: "broken", run: (*contract).broken},
			{name: "share", run: (*contract).share},
			{name: "too large", run: (*contract).tooLarge},
			{name: "latest", run: (*contract).latest},
			{name: "drain", run: (*contract).drain},
			{name: "abort", run: (*contract).abort},
			{name: "second worker", run: (*contract).secondWorker},
			{name: "away", run: (*contract).away, away: true},
			{name: "away at start", run: (*contract).awayAtStart, away: true},
		} {
			t.Run(promise.name, func(t *testing.T) {
				c := &contract{t: t, stream: open(t), exactlyOnce: exactlyOnce}
				if !promise.away || !shared {
					t.Parallel()
				}
				promise.run(c)
			})
		}
	})
}

func (c *contract) start(m *doubler, change ...func(*setup)) *running {
	c.t.Helper()
	return pipelineOf(c.t, c.stream, c.exactlyOnce, m, change...)
}

func TestKfake(t *testing.T) {
	runContract(t, false, func(t testing.TB) stream { return newKfake(t) })
}

// records: each event gives one prediction or one dead letter, with its key and
// headers; a tombstone nothing; the metrics say so.
func (c *contract) records() {
	t, s := c.t, c.stream
	s.Create(t, 2, 2)
	headers := []penstock.Header{{Key: "trace", Value: []byte("1")}, {Key: "trace", Value: nil}}
	s.Publish(t,
		record{Key: s.Key("k"), Value: []byte(`{"x":1,"pass":"1"}`), Headers: headers},
		record{Key: s.Key("gone"), Value: nil},
		record{Value: []byte{}},
		record{Key: s.Key("bad"), Value: []byte("{nonsense\n"), Headers: append(headers, penstock.Header{Key: producer.HeaderAttempt, Value: []byte("2")})},
		event(0, 2),
	)
	r := c.start(&doubler{})
	predictions := s.Read(t, sink, 2)
	settled(t, predictions, 1, 2)
	for _, p := range predictions {
		if seen := p.prediction(t); seen.Pass.Pass == "1" {
			if !bytes.Equal(p.Key, s.Key("k")) || len(p.Headers) != 2 || p.header("trace") != "1" || p.Headers[1].Key != "trace" {
				t.Errorf("key %q, headers %v", p.Key, p.Headers)
			}
			if seen.ID != s.ID(0, 0) {
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
	checkDead(t, dead, s.ID(0, 2), record{Value: []byte{}}, "decode", "1")
	checkDead(t, dead, s.ID(0, 3), record{Key: s.Key("bad"), Value: []byte("{nonsense\n"), Headers: headers}, "decode", "3")
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
	if s.Key("k") == nil {
		return // its records have no keys: what it has in their place has a test of its own
	}
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
