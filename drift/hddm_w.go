package drift

import "math"

// HDDMW compares a weighted mean up to where it was surely lowest (or highest)
// with that of the values since, by McDiarmid's inequality: Frías-Blanco and
// others 2015, as HDDMA, the W-test. Newer values weigh more, so that it finds
// gradual changes sooner. Values lie between 0 and 1.
type HDDMW struct {
	DriftConfidence float64 `json:"drift_confidence"` // chance of a false change
	LambdaVal       float64 `json:"lambda_val"`       // weight of the newest value
	TwoSidedTest    bool    `json:"two_sided_test"`   // falls too, not only rises

	all        fadingMean
	rise, fall hddmSplit
}

// NewHDDMW makes one with the authors' parameters.
func NewHDDMW() *HDDMW { return &HDDMW{DriftConfidence: 0.001, LambdaVal: 0.05} }

// hddmSplit is a split at the extreme of the weighted mean and its bound.
type hddmSplit struct {
	extreme       float64
	before, since fadingMean
}

// Update takes the next value.
func (h *HDDMW) Update(x float64) bool {
	h.all.add(x, h.LambdaVal)
	bound := h.bound(h.all.weights)
	h.rise.update(h.all.mean+bound, h.all, x, h.LambdaVal)
	h.fall.update(-(h.all.mean - bound), h.all, x, h.LambdaVal)
	rises := h.beyond(&h.rise, 1)
	if !rises && !(h.TwoSidedTest && h.beyond(&h.fall, -1)) {
		return false
	}
	h.all, h.rise, h.fall = fadingMean{}, hddmSplit{}, hddmSplit{}
	return true
}

// update splits anew where the level is lower than ever.
func (s *hddmSplit) update(level float64, all fadingMean, x, lambda float64) {
	if !s.before.started || level < s.extreme {
		*s = hddmSplit{extreme: level, before: all}
		return
	}
	s.since.add(x, lambda)
}

// beyond tells whether chance does not explain how far the mean has moved.
func (h *HDDMW) beyond(s *hddmSplit, direction float64) bool {
	moved := direction * (s.since.mean - s.before.mean)
	return s.since.started && moved > h.bound(s.before.weights+s.since.weights)
}

// bound is McDiarmid's for a weighted mean, from the sum of its squared weights.
func (h *HDDMW) bound(weights float64) float64 {
	return math.Sqrt(weights * math.Log(1/h.DriftConfidence) / 2)
}

// fadingMean is an exponentially weighted mean and its sum of squared weights.
type fadingMean struct {
	started       bool
	mean, weights float64
}

func (m *fadingMean) add(x, lambda float64) {
	if !m.started {
		m.started, m.mean, m.weights = true, x, 1
	} else {
		m.mean = lambda*x + (1-lambda)*m.mean
	}
	m.weights = lambda*lambda + (1-lambda)*(1-lambda)*m.weights
}
