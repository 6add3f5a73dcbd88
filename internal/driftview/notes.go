package driftview

import (
	"fmt"
	"strconv"
)

// notes say why there may be no alarm where there is drift.
func (v *View) notes() []string {
	var notes []string
	if v.Doubt != "" {
		notes = append(notes, "The reference "+v.Doubt+".")
	}
	if silent := v.silent(); len(silent) > 0 {
		const most = 5
		names := cleanAll(silent[:min(len(silent), most)])
		if len(silent) > most {
			names += fmt.Sprintf(" and %d more", len(silent)-most)
		}
		notes = append(notes, fmt.Sprintf("More than the effect of %s without an alarm: %s. The reference's own stretches, or samples of so few rows, differ as much.",
			strconv.FormatFloat(v.effect, 'g', 3, 64), names))
	}
	return notes
}

// silent are the features that no window alarms for although they differ by enough
// in one: not by more than what is usual.
func (v *View) silent() []string {
	var names []string
	for i, f := range v.features {
		enough, alarmed := false, false
		for _, w := range v.windows {
			r := &w.report.Features[i]
			enough = enough || r.JSLower != nil && *r.JSLower > v.effect
			alarmed = alarmed || r.Alarm
		}
		if enough && !alarmed {
			names = append(names, f.name)
		}
	}
	return names
}
