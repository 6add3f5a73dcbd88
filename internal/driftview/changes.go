package driftview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock/penstock/drift"
)

// change is one of a feature.
type change struct {
	drift.ReportChange
	feature int
}

// changes are those of all features, in order. Windows that overlap tell one each.
func (v *View) changes() []change {
	var all []change
	for _, w := range v.windows {
		for i := range w.report.Features {
			for _, c := range w.report.Features[i].Changes {
				all = append(all, change{c, i})
			}
		}
	}
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.feature, b.feature), cmp.Compare(a.Detector, b.Detector),
			cmp.Compare(a.What, b.What), cmp.Compare(a.Category, b.Category))
	})
	return slices.Compact(all)
}

// minute is the time of a change, which is seldom midnight.
func (v *View) minute(t time.Time) string {
	if t = t.In(v.zone); t.Second() != 0 {
		return t.Format(time.DateTime)
	}
	return t.Format("2006-01-02 15:04")
}

// what says in words of what a change is.
func what(of, category string) string { return strings.TrimSuffix(of+" "+category, " ") }

func (v *View) writeChanges(b *printer) {
	if len(v.Detectors) == 0 {
		return
	}
	all := v.changes()
	if len(all) == 0 {
		fmt.Fprintln(b, "\n"+b.fit("no change found by "+strings.Join(v.Detectors, ", ")))
		return
	}
	t := table{head: []string{"changed by", "feature", "what", "detector"}}
	for _, c := range all {
		t.rows = append(t.rows, []cell{
			{text: v.minute(c.Until)}, {text: clean(v.features[c.feature].name)}, {text: what(c.What, clean(c.Category))}, {text: c.Detector, color: dim},
		})
	}
	fmt.Fprintln(b)
	t.write(b)
}
