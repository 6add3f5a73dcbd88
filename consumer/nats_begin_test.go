package consumer

import (
	"reflect"
	"testing"

	"github.com/penstock/penstock/internal/broker"
)

type rules = []broker.Resume

// TestResume: where a filter begins that takes over from others, and which of
// its events they have done.
func TestResume(t *testing.T) {
	for _, tt := range []struct {
		name   string
		filter string
		first  uint64
		from   rules
		next   uint64
		rest   rules
	}{
		{"nobody before", "a.*", 5, nil, 5, nil},
		{"a part of one", "a.0", 1, rules{{Filter: "a.*", From: 70}}, 70, nil},
		{"the same as two", "a.*", 1, rules{{Filter: "a.0", From: 70}, {Filter: "a.1", From: 90}}, 1,
			rules{{Filter: "a.0", From: 70}, {Filter: "a.1", From: 90}, {Filter: ">", From: 1}}},
		{"of two, the rest being of no interest", "a.*", 100, rules{{Filter: "a.0", From: 70}, {Filter: "a.1", From: 90}}, 70,
			rules{{Filter: "a.0", From: 70}, {Filter: "a.1", From: 90}, {Filter: ">", From: 100}}},
		{"all at the same place", "a.*", 70, rules{{Filter: "a.0", From: 70}, {Filter: "a.1", From: 70}}, 70, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			next, rest := resume(tt.filter, tt.first, tt.from)
			if next != tt.next || !reflect.DeepEqual(rest, tt.rest) {
				t.Errorf("begins at %d with %v, want %d with %v", next, rest, tt.next, tt.rest)
			}
		})
	}
	from := rules{{Filter: "a.0", From: 70}, {Filter: "a.1", From: 90}, {Filter: ">", From: 100}}
	for _, tt := range []struct {
		subject  string
		sequence uint64
		want     bool
	}{
		{"a.0", 69, true}, {"a.0", 70, false}, {"a.1", 70, true}, {"a.1", 90, false}, {"a.2", 99, true}, {"a.2", 100, false},
	} {
		if got := done(from, tt.subject, tt.sequence); got != tt.want {
			t.Errorf("event %d of %s is done: %t", tt.sequence, tt.subject, got)
		}
	}
	if ahead(from, 99) == nil || ahead(from, 100) != nil {
		t.Error("the rules end when the last of them has nothing more to say")
	}
}
