package drift

import (
	"fmt"
	"math"
	"slices"
)

// Change says that a feature changed.
type Change struct {
	Pane     int    // the pane at which it was found: what came before is enough to tell
	What     string // ChangeLevel, ChangeSpread, ChangeMissing, ChangeCategory, ChangeOther or ChangeNew
	Category uint64 // ChangeCategory: the hash of its text
}

// DefaultChangeDetector has the fewest false changes where neighbouring panes are
// alike, and finds true ones about as soon as the others do:
// docs/decisions/2026-11-22-changes-over-panes.md.
const DefaultChangeDetector = "adwin"

// Changes runs a detector, by name, over the ordered panes of one feature, without
// any reference, and gives what it found in the order of the panes. It explains a
// stretch of time after the fact: scales are taken from all of it.
//
// The series are the mean rank of a numeric feature's values and how far ranks lie
// from the middle, the shares of the ten commonest categories, of others and of new
// ones, and the share of missing values. Panes are joined where they have few values
// or are like their neighbours, and the means divided by the deviation that they
// have anyway. The detectors' parameters are such that, of series of 1000 panes
// without a change, at most one in 1000 has a false one. A season counts as a change
// unless the panes cover many of its periods.
func Changes(detector string, panes []Counts) ([]Change, error) {
	w, ok := paneWatches[detector]
	if !ok {
		return nil, fmt.Errorf("change detector %q is not one of %q", detector, ChangeDetectors())
	}
	var all []Change
	for _, s := range seriesOf(panes) {
		values, at := s.standardised()
		d := w.detector()
		for i, v := range values {
			if d.Update(w.input(v)) {
				all = append(all, Change{Pane: at[i], What: s.what, Category: s.category})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Change) int { return a.Pane - b.Pane })
	return all, nil
}

// paneWatch says how a detector watches a standardised series.
type paneWatch struct {
	input    func(z float64) float64
	detector func() ChangeDetector
}

// paneWatches hold the parameters to what Changes promises.
var paneWatches = map[string]paneWatch{
	"adwin": {asItIs, func() ChangeDetector {
		return &ADWIN{Delta: 0.002, Clock: 1, MaxBuckets: 5, MinWindowLength: 5, GracePeriod: 10}
	}},
	"page_hinkley": {asItIs, func() ChangeDetector {
		return &PageHinkley{MinInstances: 30, Delta: 0.25, Threshold: 24, Alpha: 0.9999, Mode: "both"}
	}},
	"cusum": {asItIs, func() ChangeDetector {
		return &CUSUM{MinInstances: 100, Slack: 0.5, Threshold: 22, Mode: "both"}
	}},
	"kswin":  {asItIs, func() ChangeDetector { return &KSWIN{Alpha: 1e-7, WindowSize: 100, StatSize: 30} }},
	"hddm_a": {quantile, func() ChangeDetector { return &HDDMA{DriftConfidence: 0.03, TwoSidedTest: true} }},
	"hddm_w": {quantile, func() ChangeDetector {
		return &HDDMW{DriftConfidence: 0.008, LambdaVal: 0.05, TwoSidedTest: true}
	}},
	"ddm": {aboveMean, func() ChangeDetector {
		return newMirrored(func() ChangeDetector { return &DDM{WarmStart: 30, DriftThreshold: 5.5} })
	}},
	"eddm": {aboveMean, func() ChangeDetector {
		return newMirrored(func() ChangeDetector { return &EDDM{WarmStart: 30, Beta: 0.35} })
	}},
}

func asItIs(z float64) float64 { return z }

// quantile maps a standard normal value to its probability, between 0 and 1.
func quantile(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// aboveMean makes an error, 1, of a value above the mean.
func aboveMean(z float64) float64 {
	if z > 0 {
		return 1
	}
	return 0
}

// mirrored runs a detector that finds rises only in both directions.
type mirrored struct {
	fresh    func() ChangeDetector
	up, down ChangeDetector
}

func newMirrored(fresh func() ChangeDetector) *mirrored {
	return &mirrored{fresh: fresh, up: fresh(), down: fresh()}
}

// Update takes the next value, between 0 and 1.
func (m *mirrored) Update(x float64) bool {
	rises, falls := m.up.Update(x), m.down.Update(1-x)
	if rises || falls {
		*m = *newMirrored(m.fresh)
	}
	return rises || falls
}
