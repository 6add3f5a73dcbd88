package drift

import "math"

// HDDMA compares the mean so far with the mean up to where it was surely lowest
// (or highest), by Hoeffding's inequality: Frías-Blanco and others 2015, Online and
// non-parametric drift detection methods based on Hoeffding's bounds, IEEE TKDE 27,
// the A-test. Values lie between 0 and 1.
type HDDMA struct {
	DriftConfidence float64 `json:"drift_confidence"` // chance of a false change
	TwoSidedTest    bool    `json:"two_sided_test"`   // falls too, not only rises

	all, lowest, highest runningMean
}

// NewHDDMA makes one with the authors' parameters.
func NewHDDMA() *HDDMA { return &HDDMA{DriftConfidence: 0.001} }

// Update takes the next value.
func (h *HDDMA) Update(x float64) bool {
	h.all.add(x)
	bound := h.bound(h.all.n)
	if h.lowest.n == 0 || h.all.mean+bound <= h.lowest.mean+h.bound(h.lowest.n) {
		h.lowest = h.all
	}
	if h.highest.n == 0 || h.all.mean-bound >= h.highest.mean-h.bound(h.highest.n) {
		h.highest = h.all
	}
	rise := h.all.mean - h.lowest.mean
	fall := h.highest.mean - h.all.mean
	if !h.beyond(rise, h.lowest.n) && !(h.TwoSidedTest && h.beyond(fall, h.highest.n)) {
		return false
	}
	h.all, h.lowest, h.highest = runningMean{}, runningMean{}, runningMean{}
	return true
}

// bound is Hoeffding's for the mean of n values.
func (h *HDDMA) bound(n float64) float64 {
	return math.Sqrt(math.Log(1/h.DriftConfidence) / (2 * n))
}

// beyond tells whether chance does not explain the distance between the mean of
// the first n values and that of all.
func (h *HDDMA) beyond(distance, n float64) bool {
	if n == h.all.n {
		return false
	}
	m := (h.all.n - n) / n / h.all.n
	return distance >= math.Sqrt(m/2*math.Log(2/h.DriftConfidence))
}
