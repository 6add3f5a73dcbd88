package drift

import "math"

// PageHinkley adds up how far values lie from the mean so far, less a tolerance,
// and finds a change when the sum has moved far from its extreme: Page 1954,
// Continuous inspection schemes, Biometrika 41.
type PageHinkley struct {
	MinInstances int     `json:"min_instances"` // values before the first change
	Delta        float64 `json:"delta"`         // tolerance, in the values' unit
	Threshold    float64 `json:"threshold"`     // of the sum, in the values' unit
	Alpha        float64 `json:"alpha"`         // how much of the sum is kept from value to value
	Mode         string  `json:"mode"`          // "up", "down" or "both"

	mean               runningMean
	increase, decrease float64
	lowest, highest    float64
}

// NewPageHinkley makes one with river's defaults.
func NewPageHinkley() *PageHinkley {
	return &PageHinkley{MinInstances: 30, Delta: 0.005, Threshold: 50, Alpha: 0.9999, Mode: "both"}
}

// Update takes the next value.
func (p *PageHinkley) Update(x float64) bool {
	if p.mean.n == 0 {
		p.increase, p.decrease, p.lowest, p.highest = 0, 0, math.Inf(1), math.Inf(-1)
	}
	p.mean.add(x)
	off := x - p.mean.mean
	p.increase = p.Alpha*p.increase + off - p.Delta
	p.decrease = p.Alpha*p.decrease + off + p.Delta
	p.lowest, p.highest = min(p.lowest, p.increase), max(p.highest, p.decrease)
	up := p.Mode != "down" && p.increase-p.lowest > p.Threshold
	down := p.Mode != "up" && p.highest-p.decrease > p.Threshold
	if p.mean.n < float64(p.MinInstances) || !up && !down {
		return false
	}
	p.mean = runningMean{}
	return true
}
