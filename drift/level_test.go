package drift

import (
	"math"
	"testing"
	"time"
)

func TestLevelSharesTheBudgetOut(t *testing.T) {
	month := 30 * 24 * time.Hour
	hour := WindowSpec{Name: "1h", Length: time.Hour}
	day := WindowSpec{Name: "24h", Length: 24 * time.Hour}
	calendar := WindowSpec{Name: "1w", Calendar: "1w"}
	for _, tc := range []struct {
		what    string
		alarms  float64
		windows []WindowSpec
		want    []float64
	}{
		{"one sliding window closes twelve times in its length", 1, []WindowSpec{hour}, []float64{1. / 8640}},
		{"two share it", 1, []WindowSpec{hour, day}, []float64{1. / 8640 / 2, 1. / 360 / 2}},
		{"a calendar window closes once a unit", .1, []WindowSpec{calendar}, []float64{.1 * 7 / 30}},
		{"a long window spends no more than a test would", 100, []WindowSpec{day}, []float64{.05}},
		{"no false alarm at all", 0, []WindowSpec{hour}, []float64{0}},
	} {
		c := JudgeConfig{FalseAlarms: tc.alarms, Per: month, Windows: tc.windows}
		for i, w := range tc.windows {
			if got := c.level(w); math.Abs(got-tc.want[i]) > 1e-12 {
				t.Errorf("%s: the level of %s is %g, want %g", tc.what, w.Name, got, tc.want[i])
			}
		}
	}
}

// What all closings of a period may spend together is the budget. Twelve hops
// forgotten, or a budget for each window, exceed it.
func TestLevelsSumToTheBudget(t *testing.T) {
	c := JudgeConfig{FalseAlarms: 1, Per: 30 * 24 * time.Hour, Windows: []WindowSpec{
		{Name: "1h", Length: time.Hour}, {Name: "24h", Length: 24 * time.Hour}, {Name: "1d", Calendar: "1d"},
	}}
	var spent float64
	for _, w := range c.Windows {
		closings := 30. * 24 // a month of hours
		switch w.Name {
		case "1h":
			closings *= 12
		case "24h":
			closings *= 12. / 24
		case "1d":
			closings /= 24
		}
		spent += closings * c.level(w)
	}
	if math.Abs(spent-1) > 1e-9 {
		t.Errorf("a month's closings may spend %g false alarms, want 1", spent)
	}
}
