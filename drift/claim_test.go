package drift

import (
	"math"
	"testing"
)

// TestClaimsOutlastQuietMoves: a position that moves past nothing, as a quiet
// filter's does on NATS, leaves a claim as it is; one that moves past events, or
// past what nobody has counted, ends it.
func TestClaimsOutlastQuietMoves(t *testing.T) {
	const never = math.MinInt64
	for name, c := range map[string]struct {
		last Delta
		idle bool
	}{
		"the same again":     {Delta{From: 12, To: 12, Idle: true, Horizon: never}, true},
		"a quiet move":       {Delta{From: 12, To: 90, Idle: true, Horizon: never}, true},
		"events":             {Delta{From: 12, To: 13, Horizon: 5, Panes: []Pane{{Rows: 1}}}, false},
		"events, to the end": {Delta{From: 12, To: 13, Horizon: 5, Panes: []Pane{{Rows: 1}}, Idle: true}, false},
		"events of no time":  {Delta{From: 12, To: 13, Horizon: never}, false},
		"a gap":              {Delta{From: 40, To: 90, Idle: true, Horizon: never}, false},
	} {
		p := &partition{horizon: never}
		for i, d := range []Delta{
			{From: 0, To: 10, Horizon: 1, Panes: []Pane{{Rows: 1}}},
			{From: 10, To: 10, Idle: true, Horizon: never},
			{From: 10, To: 12, Idle: true, Horizon: never},
			c.last,
		} {
			d.Clock = int64(i) * 1000
			p.move(&d)
		}
		if got := p.isIdle(3000, 2000); got != c.idle {
			t.Errorf("%s: idle %t, want %t", name, got, c.idle)
		}
	}
}
