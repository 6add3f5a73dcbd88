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

// tail is the chance that a window without drift has at least this likelihood
// ratio. What draws add is chi-squared distributed. What the stream's course
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
		return chiSquaredTail(statistic, df)
	}
	nu := float64(v.stretches - 1)
	density := studentDensity(nu)
	edge := math.Sqrt(statistic / course) // beyond it the course alone is enough
	both := func(x float64) float64 { return density(x) * chiSquaredTail(statistic-course*x*x, df) }
	p := distuv.StudentsT{Sigma: 1, Nu: nu}.Survival(edge)
	if edge <= body {
		// Over the sine, the edge of a single degree of freedom is smooth too.
		p += integrate(0, math.Pi/2, func(a float64) float64 { return both(edge*math.Sin(a)) * edge * math.Cos(a) })
	} else {
		p += integrate(0, body, both)
		p += integrate(math.Log(body), math.Log(edge), func(a float64) float64 { return both(math.Exp(a)) * math.Exp(a) })
	}
	return min(1, 2*p)
}

// body is where a Student's t has nearly all of its mass.
const body = 6

// nodes and weights are those of Gauss and Legendre on [0, 1].
var nodes, weights = func() (x, w []float64) {
	x, w = make([]float64, 24), make([]float64, 24)
	quad.Legendre{}.FixedLocations(x, w, 0, 1)
	return x, w
}()

func integrate(low, high float64, f func(float64) float64) float64 {
	var area float64
	for i, x := range nodes {
		area += weights[i] * f(low+x*(high-low))
	}
	return area * (high - low)
}

// studentDensity is that of Student's t with nu degrees of freedom. It works out
// what does not depend on x once, which is most of it.
func studentDensity(nu float64) func(x float64) float64 {
	above, _ := math.Lgamma((nu + 1) / 2)
	below, _ := math.Lgamma(nu / 2)
	scale := math.Exp(above-below) / math.Sqrt(nu*math.Pi)
	return func(x float64) float64 { return scale * math.Exp(-(nu+1)/2*math.Log1p(x*x/nu)) }
}

// fewDegrees are as many as chiSquaredTail has a short sum for.
const fewDegrees = 30

// chiSquaredTail is the chance that a chi-squared variable is at least x: an
// incomplete gamma function, which is a sum where df is an integer (Abramowitz and
// Stegun 1964, 26.4.4 and 26.4.5).
func chiSquaredTail(x float64, df int) float64 {
	half := max(0, x) / 2
	if df > fewDegrees {
		return mathext.GammaIncRegComp(float64(df)/2, half)
	}
	var p, a float64
	term := math.Exp(-half)
	if df%2 != 0 {
		p, a = math.Erfc(math.Sqrt(half)), .5
		term *= 2 * math.Sqrt(half/math.Pi)
	}
	for ; 2*a < float64(df); a++ {
		p += term
		term *= half / (a + 1)
	}
	return p
}
