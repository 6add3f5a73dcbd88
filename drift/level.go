package drift

import "time"

// JudgeConfig is what a Judge is told.
type JudgeConfig struct {
	FalseAlarms float64       // to put up with,
	Per         time.Duration // in this much event time, for the whole model together
	Effect      float64       // the smallest Jensen-Shannon distance worth an alarm
	MinRows     int64         // below, a feature is insufficient
	Windows     []WindowSpec
}

// maxLevel bounds the chance of a false alarm that one window may have, however
// many false alarms there may be: long windows close seldom.
const maxLevel = 0.05

// hops is how many windows of one length begin in that length.
const hops = 12

// The mean lengths of calendar units, in the Gregorian calendar.
var calendarLengths = map[string]time.Duration{
	"1d":  24 * time.Hour,
	"1w":  7 * 24 * time.Hour,
	"1mo": 730*time.Hour + 29*time.Minute + 6*time.Second,
}

// length is that of the window, on average.
func (w WindowSpec) length() time.Duration {
	if w.Calendar != "" {
		return calendarLengths[w.Calendar]
	}
	return w.Length
}

// hop is the time from one closing of the window to the next, on average.
func (w WindowSpec) hop() time.Duration {
	if w.Calendar != "" {
		return w.length()
	}
	return w.Length / hops
}

// level is the chance of a false alarm that one closing of the window may have.
// The budget is shared out evenly, first among the windows, then among the times
// that each closes in the period. By the union bound the expected number of false
// alarms is then within the budget however much the windows have in common, which
// for sliding ones is eleven twelfths: what is spent is well below it.
func (c *JudgeConfig) level(w WindowSpec) float64 {
	closings := float64(c.Per) / float64(w.hop())
	return min(maxLevel, c.FalseAlarms/float64(len(c.Windows))/closings)
}
