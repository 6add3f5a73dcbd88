package consumer

import (
	"reflect"
	"testing"

	"github.com/penstock/penstock/internal/broker"
)

type (
	rules     = []broker.Resume
	positions = map[string]broker.Held[broker.Position]
)

func at(next uint64, rules ...broker.Resume) broker.Held[broker.Position] {
	return broker.Held[broker.Position]{Value: broker.Position{Next: next, Resume: rules}}
}

// TestResume: where a filter begins that others went before, and which of its
// events are done.
func TestResume(t *testing.T) {
	for _, tt := range []struct {
		name   string
		filter string
		first  uint64
		known  positions
		want   broker.Position
	}{
		{"nobody before", "a.*", 5, positions{"b": at(9)}, broker.Position{Next: 5}},
		{"a part of one", "a.0", 1, positions{"a.*": at(70)}, broker.Position{Next: 70}},
		{
			"the same as two and more", "a.*", 1,
			positions{"a.0": at(70), "a.1": at(90)},
			broker.Position{Next: 1, Resume: rules{{Filter: "a.1", From: 90}, {Filter: "a.0", From: 70}}, Else: 1},
		},
		{
			"of two, the rest being of no interest", "a.*", 100,
			positions{"a.0": at(70), "a.1": at(90)},
			broker.Position{Next: 70, Resume: rules{{Filter: "a.1", From: 90}, {Filter: "a.0", From: 70}}, Else: 100},
		},
		{
			"back to what it was", "a.*", 1,
			positions{"a.*": at(40), "a.0": at(100)},
			broker.Position{Next: 40, Resume: rules{{Filter: "a.0", From: 100}, {Filter: "a.*", From: 40}}},
		},
		{
			"what went by rules of its own", "a.0", 1,
			positions{"a.*": at(40, broker.Resume{Filter: "a.0", From: 60}, broker.Resume{Filter: "a.1", From: 80})},
			broker.Position{Next: 60},
		},
		{"one that another one says better", "a.0", 1, positions{"a.0": at(10), "a.*": at(40)}, broker.Position{Next: 40}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := resume(broker.Position{}, tt.filter, tt.first, facts(tt.known, tt.filter))
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("begins at\n%+v, want\n%+v", got, tt.want)
			}
		})
	}
	p := broker.Position{Resume: rules{{Filter: "a.0", From: 100}, {Filter: "a.*", From: 40}}, Else: 120}
	for _, tt := range []struct {
		subject  string
		sequence uint64
		want     bool
	}{
		{"a.0", 99, true}, {"a.0", 100, false}, {"a.1", 39, true}, {"a.1", 40, false}, {"b", 119, true}, {"b", 120, false},
	} {
		if got := done(&p, tt.subject, tt.sequence); got != tt.want {
			t.Errorf("event %d of %s is done: %t", tt.sequence, tt.subject, got)
		}
	}
	if len(moved(p, 119).Resume) == 0 || moved(p, 120).Resume != nil || moved(p, 120).Else != 0 {
		t.Error("what is resumed is to be forgotten when all of it has gone by, and not before")
	}
}
