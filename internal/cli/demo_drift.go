package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock/penstock/drift"
)

// latestOf is the first of the reports, which are of one window here.
func latestOf(all []*drift.Report) *drift.Report {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// drifting says how the latest window compares with the reference.
func (m *demoMoment) drifting() string {
	r := m.drift
	switch {
	case r == nil:
		return "the first window has not closed yet"
	case r.Alarm && r.Since != nil:
		return fmt.Sprintf("ALARM since %s: %s", r.Since.Local().Format("15:04:05"), strings.Join(farthest(r), ", "))
	}
	return fmt.Sprintf("%s until %s, %s events: no alarm; farthest %s", r.Window, r.End.Local().Format("15:04:05"), count(r.Rows), strings.Join(farthest(r), ", "))
}

// mostShown is how many features there is room for.
const mostShown = 3

// farthest are the features with the largest distances from the reference, those
// in alarm first.
func farthest(r *drift.Report) []string {
	features := slices.DeleteFunc(slices.Clone(r.Features), func(f drift.FeatureReport) bool { return f.JS == nil })
	slices.SortStableFunc(features, func(a, b drift.FeatureReport) int {
		if a.Alarm != b.Alarm {
			return map[bool]int{true: -1, false: 1}[a.Alarm]
		}
		return cmp.Compare(*b.JS, *a.JS)
	})
	var all []string
	for _, f := range features[:min(len(features), mostShown)] {
		all = append(all, fmt.Sprintf("%s %.2f", f.Name, *f.JS))
	}
	return all
}
