package drift

import "math"

// CUSUM adds up how far values lie from the mean of the first ones, in their
// standard deviations and less a slack; the sum never falls below zero. It finds a
// change when either direction's sum passes the threshold: Page 1954, Continuous
// inspection schemes, Biometrika 41.
type CUSUM struct {
	MinInstances int     `json:"min_instances"` // values that mean and deviation are taken from
	Slack        float64 `json:"slack"`         // in standard deviations
	Threshold    float64 `json:"threshold"`     // in standard deviations
	Mode         string  `json:"mode"`          // "up", "down" or "both"

	first              runningMean
	increase, decrease float64
}

// NewCUSUM makes one with the classical parameters. Their runs between false
// changes are some hundreds of values long.
func NewCUSUM() *CUSUM { return &CUSUM{MinInstances: 30, Slack: 0.5, Threshold: 5, Mode: "both"} }

// Update takes the next value.
func (c *CUSUM) Update(x float64) bool {
	if c.first.n < float64(c.MinInstances) {
		c.first.add(x)
		if c.first.n < float64(c.MinInstances) {
			return false
		}
	}
	deviation := math.Sqrt(c.first.variance())
	off := x - c.first.mean
	c.increase = max(0, c.increase+off-c.Slack*deviation)
	c.decrease = max(0, c.decrease-off-c.Slack*deviation)
	up := c.Mode != "down" && c.increase > c.Threshold*deviation
	down := c.Mode != "up" && c.decrease > c.Threshold*deviation
	if up || down {
		c.first, c.increase, c.decrease = runningMean{}, 0, 0
	}
	return up || down
}
