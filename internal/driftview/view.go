package driftview

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/penstock/penstock/drift"
)

// View collects the reports of one reference, to show them together.
type View struct {
	Title     string
	Detectors []string // of changes, that were asked for
	Doubt     string   // why the reference may not be trusted, as drift.Reference says
	reference *drift.Reference
	effect    float64 // the smallest distance worth an alarm
	zone      *time.Location
	features  []*feature
	windows   []*window
}

// feature is one field over all windows.
type feature struct {
	name      string
	role      drift.Role
	kind      drift.Kind
	histogram *histogram
	reference []float64 // the bars' shares
}

// window is one report, and what its features look like.
type window struct {
	report *drift.Report
	shares [][]float64 // by feature; nil where there are too many windows to keep them
}

// mostShares bounds how many histograms are kept: those of the latest windows.
const mostShares = 20_000

// New makes a view of reports about fields of a reference, in the order that the
// reports have them. Times are shown in zone.
func New(title string, ref *drift.Reference, fields []drift.Field, effect float64, zone *time.Location) *View {
	v := &View{Title: title, reference: ref, effect: effect, zone: zone}
	for i := range fields {
		f := &feature{name: fields[i].Name, role: fields[i].Role, kind: fields[i].Kind}
		if known := ref.Field(f.name); known != nil {
			f.histogram = newHistogram(known)
			f.reference = f.histogram.shares(&known.Counts)
		}
		v.features = append(v.features, f)
	}
	return v
}

// Add adds a report and the counts that it was made of, which are not kept.
func (v *View) Add(r *drift.Report, counts []drift.Counts) {
	w := &window{report: r, shares: make([][]float64, len(v.features))}
	for i, f := range v.features {
		if f.histogram != nil && i < len(counts) {
			w.shares[i] = f.histogram.shares(&counts[i])
		}
	}
	v.windows = append(v.windows, w)
	if old := len(v.windows) - 1 - mostShares/max(1, len(v.features)); old >= 0 {
		v.windows[old].shares = nil
	}
}

// worst is the window to look at first: of those that alarm, if any do, the one
// with the greatest distance; of equal ones the latest. It is nil without any.
func (v *View) worst() *window {
	rank := func(w *window) float64 {
		if w.shares == nil {
			return -1
		}
		_, js := w.greatest()
		if w.report.Alarm {
			js += 2 // a distance is at most 1
		}
		return js
	}
	var worst *window
	for _, w := range v.windows {
		if worst == nil || rank(w) >= rank(worst) {
			worst = w
		}
	}
	return worst
}

// greatest is the feature with the greatest distance, and that; -1 and 0 where no
// feature has one.
func (w *window) greatest() (feature int, js float64) {
	feature = -1
	for i := range w.report.Features {
		if d := w.report.Features[i].JS; d != nil && (feature < 0 || *d > js) {
			feature, js = i, *d
		}
	}
	return feature, js
}

// byEffect are the numbers of the features of w: those that alarm first, then by
// distance.
func (v *View) byEffect(w *window) []int {
	order := make([]int, len(w.report.Features))
	for i := range order {
		order[i] = i
	}
	rank := func(i int) float64 {
		f := &w.report.Features[i]
		switch {
		case f.JS == nil:
			return -1
		case f.Alarm:
			return 2 + *f.JS
		}
		return *f.JS
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(b), rank(a)) })
	return order
}

// series is one feature's distance over the windows of the same kind as w, NaN
// where there is none.
func (v *View) series(feature int, w *window) []float64 {
	var values []float64
	for _, other := range v.windows {
		if other.report.Window != w.report.Window {
			continue
		}
		value := math.NaN()
		if js := other.report.Features[feature].JS; js != nil {
			value = *js
		}
		values = append(values, value)
	}
	return values
}

// alarms counts the windows that alarm.
func (v *View) alarms() int {
	n := 0
	for _, w := range v.windows {
		if w.report.Alarm {
			n++
		}
	}
	return n
}
