package drift

import (
	"fmt"
	"maps"
	"slices"
)

// ChangeDetector watches a series for a change. What it finds depends on the
// order of the series, so that it is for ordered ones: panes, or one partition.
type ChangeDetector interface {
	// Update takes the next value, a finite one, and tells whether the series
	// has changed. The value after a change is the first of a new series.
	Update(x float64) bool
}

// changeDetectors make each detector with the defaults of its authors or, where
// these differ, of river, whose names the parameters bear and whose detections
// are the golden ones.
var changeDetectors = map[string]func() ChangeDetector{
	"adwin":        func() ChangeDetector { return NewADWIN() },
	"page_hinkley": func() ChangeDetector { return NewPageHinkley() },
	"cusum":        func() ChangeDetector { return NewCUSUM() },
	"ddm":          func() ChangeDetector { return NewDDM() },
	"eddm":         func() ChangeDetector { return NewEDDM() },
	"hddm_a":       func() ChangeDetector { return NewHDDMA() },
	"hddm_w":       func() ChangeDetector { return NewHDDMW() },
	"kswin":        func() ChangeDetector { return NewKSWIN() },
}

// ChangeDetectors are the names that NewChangeDetector knows, in order.
func ChangeDetectors() []string { return slices.Sorted(maps.Keys(changeDetectors)) }

// NewChangeDetector makes one by name, with its default parameters, for a series
// of single values. DDM, EDDM and HDDM watch the rate of errors: their values are
// 1 for an error and 0 for none, HDDM's anything between as well.
func NewChangeDetector(name string) (ChangeDetector, error) {
	if make, ok := changeDetectors[name]; ok {
		return make(), nil
	}
	return nil, fmt.Errorf("change detector %q is not one of %q", name, ChangeDetectors())
}

// runningMean is the mean and the spread of the values so far: Welford 1962, Note
// on a method for calculating corrected sums of squares and products,
// Technometrics 4.
type runningMean struct {
	n, mean, squares float64
}

func (m *runningMean) add(x float64) {
	m.n++
	before := x - m.mean
	m.mean += before / m.n
	m.squares += before * (x - m.mean)
}

// variance is the sample variance, 0 for a single value.
func (m *runningMean) variance() float64 {
	if m.n < 2 {
		return 0
	}
	return m.squares / (m.n - 1)
}
