package drift

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// dispersion is the factor by which the variance of a window's counts exceeds that
// of independent draws; rows is the comparison's effectiveRows.
func (v variation) dispersion(rows float64) float64 { return 1 + v.excess*rows }

// tail is the chance that a window without drift has at least this chi-squared
// statistic. What draws add is chi-squared distributed. What the stream's course
// adds is taken to move the counts in one direction, as a season or a slow wave does:
// of all ways to have that dispersion it is the one with the heaviest tail. Its
// size is estimated from few stretches, so that it is the square of a Student's t
// and not of a normal.
func (v variation) tail(statistic float64, df int, rows float64) float64 {
	if df == 0 {
		return 1
	}
	course := float64(df) * v.excess * rows
	if course == 0 || statistic <= 0 {
		return chiSquaredTail(statistic, float64(df))
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(v.stretches - 1)}
	edge := math.Sqrt(statistic / course) // beyond it the course alone is enough
	p := t.Survival(edge)
	for i, angle := range angles {
		sin, cos := math.Sincos(angle)
		x := edge * sin
		p += weights[i] * edge * cos * t.Prob(x) * chiSquaredTail(statistic-course*x*x, float64(df))
	}
	return min(1, 2*p)
}

// chiSquaredTail is the chance that a chi-squared variable is at least x.
func chiSquaredTail(x, df float64) float64 {
	return mathext.GammaIncRegComp(df/2, max(0, x)/2)
}

// angles and weights integrate from 0 to π/2: over the sine, what is integrated is
// smooth at the edge too.
var angles, weights = legendre(32, 0, math.Pi/2)

func legendre(n int, low, high float64) (x, weight []float64) {
	x, weight = make([]float64, n), make([]float64, n)
	quad.Legendre{}.FixedLocations(x, weight, low, high)
	return x, weight
}
