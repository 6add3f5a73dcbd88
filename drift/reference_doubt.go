package drift

import (
	"cmp"
	"fmt"
	"slices"
)

// Doubt says why alarms of the windows are not to be relied on with this reference,
// to be read after "the reference "; it is empty where there is no reason.
//
// Eight calendar months, or days when clocks change, may be a little less than
// eight mean ones: a hundredth is let pass.
func (r *Reference) Doubt(windows []WindowSpec) string {
	if r.Incomplete != "" {
		return "is incomplete, and gives no alarms: " + r.Incomplete
	}
	if len(windows) == 0 || len(r.Starts) == 0 || r.Block == 0 {
		return ""
	}
	longest := slices.MaxFunc(windows, func(a, b WindowSpec) int { return cmp.Compare(a.length(), b.length()) })
	covered := r.Starts[len(r.Starts)-1] + r.Block - r.Starts[0]
	if float64(covered) >= 0.99*minStretches*float64(longest.length().Milliseconds()) {
		return ""
	}
	return fmt.Sprintf("is shorter than eight windows of %s, so that even large drift may give no alarm", longest.Name)
}
