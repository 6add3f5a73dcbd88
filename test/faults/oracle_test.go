package faults

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// place is where an event stands in the source.
type place struct {
	partition int32
	offset    int64
}

// event is one of the source, with what penstock predict makes of it: the
// oracle's only idea of what is right.
type event struct {
	at      place
	key     []byte
	headers string // as headersOf gives them
	value   []byte // nil: a tombstone

	prediction string // in canonical form; empty: none
	class      string // of its dead letter; empty: none
}

// output is a record that a read_committed consumer was given.
type output struct {
	at        place // of its event
	dead      bool
	partition int32
	key       []byte
	headers   string // those of the event
	class     string // of a dead letter
	value     []byte
}

// verdict is what the oracle found. The first violations of each kind are told
// in words.
type verdict struct {
	events, predictions, deadLetters, tombstones int

	lost, doubled, disordered, wrong, foreign int

	missing  []place // the events that are lost
	repeated []place // those that are doubled
	told     []string
}

// oracle holds outputs against events.
type oracle struct {
	events  []event
	outputs []output // in the order in which each output partition was read
}

// check looks at four properties: each event gives one output, and none that has
// no event; outputs of a source partition keep its order within an output
// partition; a key stays in one output partition; and each output is what
// penstock predict makes of the event, with the event's key and headers.
func (o *oracle) check() *verdict {
	v := &verdict{events: len(o.events)}
	found := make(map[place]int, len(o.events))
	expected := make(map[place]*event, len(o.events))
	for i := range o.events {
		expected[o.events[i].at] = &o.events[i]
	}
	v.checkOrder(o.outputs)
	homes := map[string]int32{}
	for i := range o.outputs {
		out := &o.outputs[i]
		e := expected[out.at]
		if e == nil {
			v.tell(&v.foreign, "an output for %v, which is no event", out.at)
			continue
		}
		if found[out.at]++; found[out.at] == 2 {
			v.repeated = append(v.repeated, out.at)
			v.tell(&v.doubled, "%v has a second output", out.at)
		}
		v.checkContent(e, out)
		if home, ok := homes[string(out.key)]; !out.dead && out.key != nil {
			if ok && home != out.partition {
				v.tell(&v.wrong, "key %q is in output partitions %d and %d", out.key, home, out.partition)
			}
			homes[string(out.key)] = out.partition
		}
	}
	for i := range o.events {
		e := &o.events[i]
		switch {
		case e.value == nil:
			v.tombstones++
		case found[e.at] == 0:
			v.missing = append(v.missing, e.at)
			v.tell(&v.lost, "%v has no output", e.at)
		}
	}
	return v
}

// checkOrder sees that no output comes after one of a later event of the same
// source partition. A second output is another property's business.
func (v *verdict) checkOrder(outputs []output) {
	type stream struct {
		dead     bool
		out, src int32
	}
	last := map[stream]int64{}
	seen := map[place]bool{}
	for i := range outputs {
		out := &outputs[i]
		if seen[out.at] {
			continue
		}
		seen[out.at] = true
		s := stream{out.dead, out.partition, out.at.partition}
		if before, ok := last[s]; ok && out.at.offset < before {
			v.tell(&v.disordered, "%v comes after offset %d of its partition", out.at, before)
		}
		last[s] = max(last[s], out.at.offset)
	}
}

func (v *verdict) checkContent(e *event, out *output) {
	if out.dead {
		v.deadLetters++
	} else {
		v.predictions++
	}
	switch {
	case e.value == nil:
		v.tell(&v.wrong, "%v is a tombstone and has an output", e.at)
	case !bytes.Equal(e.key, out.key) || (e.key == nil) != (out.key == nil):
		v.tell(&v.wrong, "%v has key %q, its output %q", e.at, e.key, out.key)
	case e.headers != out.headers:
		v.tell(&v.wrong, "%v has headers %s, its output %s", e.at, e.headers, out.headers)
	case out.dead && e.class != out.class:
		v.tell(&v.wrong, "%v is a dead letter of class %q, and should be %q", e.at, out.class, cmp.Or(e.class, "a prediction"))
	case out.dead && !bytes.Equal(e.value, out.value):
		v.tell(&v.wrong, "%v: the dead letter has other bytes than the event", e.at)
	case !out.dead && e.class != "":
		v.tell(&v.wrong, "%v is predicted, and should be a dead letter of class %s", e.at, e.class)
	case !out.dead:
		if got, err := canonical(out.value); err != nil || got != e.prediction {
			v.tell(&v.wrong, "%v: the prediction is %s (%v), and should be %s", e.at, got, err, e.prediction)
		}
	}
}

// tellMost bounds how many violations of a kind are put in words.
const tellMost = 3

func (v *verdict) tell(count *int, format string, args ...any) {
	if *count++; *count <= tellMost {
		v.told = append(v.told, fmt.Sprintf(format, args...))
	}
}

// violations are those of exactly once.
func (v *verdict) violations() int {
	return v.doubled + v.disordered + v.violationsAtLeastOnce()
}

// violationsAtLeastOnce allows that an event comes again, and so late.
func (v *verdict) violationsAtLeastOnce() int { return v.lost + v.wrong + v.foreign }

func (v *verdict) String() string {
	text := fmt.Sprintf("%d events gave %d predictions, %d dead letters and %d nothing (tombstones): %d lost, %d doubled, %d out of order, %d wrong, %d foreign",
		v.events, v.predictions, v.deadLetters, v.tombstones, v.lost, v.doubled, v.disordered, v.wrong, v.foreign)
	if len(v.told) > 0 {
		text += "\n\t" + strings.Join(v.told, "\n\t")
	}
	return text
}

// canonical is a prediction without what may differ between two runs: where the
// event came from and when it was scored.
func canonical(prediction []byte) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(prediction, &fields); err != nil {
		return "", err
	}
	for _, name := range []string{"id", "event_time", "time"} {
		delete(fields, name)
	}
	text, err := json.Marshal(fields) // sorts them
	return string(text), err
}

// parsePlace reads an id, topic/partition/offset.
func parsePlace(id string) (topic string, at place, err error) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return "", place{}, fmt.Errorf("%q is not topic/partition/offset", id)
	}
	if _, err := fmt.Sscanf(parts[1]+" "+parts[2], "%d %d", &at.partition, &at.offset); err != nil {
		return "", place{}, fmt.Errorf("%q is not topic/partition/offset: %w", id, err)
	}
	return parts[0], at, nil
}

// header is a record's, with its value as text.
type header struct{ key, value string }

// ownHeader is what the names of penstock's own headers begin with.
const ownHeader = "penstock-"

// headersOf renders a record's headers, without penstock's own.
func headersOf(all []header) string {
	all = slices.DeleteFunc(slices.Clone(all), func(h header) bool { return strings.HasPrefix(h.key, ownHeader) })
	return fmt.Sprint(all)
}

// arrived tells why ids are not those of all that was acknowledged to the
// publisher, 0 to acknowledged-1, each once.
func arrived(ids []string, acknowledged int) error {
	copies := make(map[string]int, len(ids))
	for _, id := range ids {
		copies[id]++
	}
	lost := 0
	for n := range acknowledged {
		if copies[strconv.Itoa(n)] == 0 {
			lost++
		}
	}
	if doubled := len(ids) - len(copies); lost > 0 || doubled > 0 || len(ids) != acknowledged {
		return fmt.Errorf("the source lacks %d of %d events that were acknowledged to their publisher, and has %d twice; it has %d", lost, acknowledged, doubled, len(ids))
	}
	return nil
}
