package drift

import "math"

// DDM watches an error rate, which falls while a model learns: it finds a change
// when the rate is some standard deviations above its lowest: Gama, Medas, Castillo
// and Rodrigues 2004, Learning with drift detection, SBIA. Values are 0 or 1.
type DDM struct {
	WarmStart      int     `json:"warm_start"`      // values before the lowest is looked for
	DriftThreshold float64 `json:"drift_threshold"` // in standard deviations at the lowest

	rate            runningMean
	lowest          float64 // rate and deviation where their sum was lowest
	lowestDeviation float64
}

// NewDDM makes one with the authors' parameters.
func NewDDM() *DDM { return &DDM{WarmStart: 30, DriftThreshold: 3} }

// Update takes the next value.
func (d *DDM) Update(x float64) bool {
	if d.rate.n == 0 {
		d.lowest, d.lowestDeviation = math.Inf(1), 0
	}
	d.rate.add(x)
	if d.rate.n <= float64(d.WarmStart) {
		return false
	}
	rate := d.rate.mean
	deviation := math.Sqrt(rate * (1 - rate) / d.rate.n)
	if rate+deviation <= d.lowest+d.lowestDeviation {
		d.lowest, d.lowestDeviation = rate, deviation
	}
	if rate+deviation <= d.lowest+d.DriftThreshold*d.lowestDeviation {
		return false
	}
	d.rate = runningMean{}
	return true
}
