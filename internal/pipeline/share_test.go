package pipeline

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/penstock/penstock"
)

func TestShare(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	type batch struct {
		second       int
		events, dead int
		refused      bool
	}
	for _, tt := range []struct {
		name    string
		limit   float64
		batches []batch
	}{
		{"any share", 1, []batch{{0, 1000, 1000, false}}},
		{"too few to say", 0.1, []batch{{0, 99, 99, false}, {1, 1, 0, true}}},
		{"at the limit", 0.1, []batch{{0, 1000, 100, false}, {0, 0, 1, true}}},
		{"none allowed", 0, []batch{{0, 100, 0, false}, {30, 1, 1, true}}},
		{"adds up", 0.1, []batch{{0, 500, 50, false}, {59, 500, 50, false}, {59, 0, 1, true}}},
		{"forgets after a minute", 0.1, []batch{{0, 100, 10, false}, {60, 100, 10, false}, {61, 200, 0, false}, {120, 100, 29, false}}},
		{"the clock goes back", 0.1, []batch{{60, 100, 0, false}, {0, 100, 10, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := shareMeter{limit: tt.limit}
			for i, b := range tt.batches {
				err := m.add(start.Add(time.Duration(b.second)*time.Second), b.events, slices.Repeat([]penstock.ErrorClass{penstock.ClassDecode}, b.dead), "a sample")
				if _, refused := errors.AsType[*ErrShare](err); refused != b.refused {
					t.Errorf("batch %d: %v, want an ErrShare: %t", i, err, b.refused)
				}
			}
		})
	}
}

// TestShareSays what the dead letters were, for they are nowhere to look at.
func TestShareSays(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	m := shareMeter{limit: 0.1}
	if err := m.add(start, 100, []penstock.ErrorClass{penstock.ClassType}, "in/0/7: amount: not a number"); err != nil {
		t.Fatal(err)
	}
	err := m.add(start.Add(time.Second), 200, slices.Repeat([]penstock.ErrorClass{penstock.ClassDecode}, 200), "in/1/0: another")
	const want = "201 of the last minute's 300 events would become dead letters, more than dead_letter.max_share (0.1) allows: " +
		"200 decode, 1 type; the first: in/0/7: amount: not a number; " +
		"the epoch was aborted and its events come again: look at the model's mapping or the source"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
