package drift

import "math"

// EDDM watches the distances between errors, which grow while a model learns: it
// finds a change when their mean plus two standard deviations has fallen below a
// share of its highest: Baena-García and others 2006, Early drift detection
// method. A value of 1 is an error.
type EDDM struct {
	WarmStart int     `json:"warm_start"` // values before the highest is looked for, and errors before a change
	Beta      float64 `json:"beta"`       // share of the highest

	values, last int
	distances    runningMean
	highest      float64
}

// NewEDDM makes one with the authors' parameters.
func NewEDDM() *EDDM { return &EDDM{WarmStart: 30, Beta: 0.9} }

// Update takes the next value.
func (e *EDDM) Update(x float64) bool {
	e.values++
	if x != 1 {
		return false
	}
	e.distances.add(float64(e.values - e.last))
	e.last = e.values
	if e.values <= e.WarmStart {
		return false
	}
	level := e.distances.mean + 2*math.Sqrt(e.distances.variance())
	if level > e.highest {
		e.highest = level
		return false
	}
	if e.distances.n <= float64(e.WarmStart) || level >= e.Beta*e.highest {
		return false
	}
	*e = EDDM{WarmStart: e.WarmStart, Beta: e.Beta}
	return true
}
