package drift

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// ksExact is the most values of a sample for which scipy's p-value is exact.
const ksExact = 10000

// ksDistance is the largest difference between two empirical distribution
// functions.
func ksDistance(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return math.NaN()
	}
	return float64(ksSteps(a, b)) / (float64(len(a)) * float64(len(b)))
}

// ksSteps is ksDistance times the product of the lengths, an integer.
func ksSteps(a, b []float64) int {
	largest, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		at := min(a[i], b[j])
		for i < len(a) && a[i] == at {
			i++
		}
		for j < len(b) && b[j] == at {
			j++
		}
		d := i*len(b) - j*len(a)
		largest = max(largest, d, -d)
	}
	return largest
}

// ksPValue is the two-sided p-value of the two-sample test as scipy's ks_2samp
// chooses it: exact up to 10000 values in each sample, beyond by the distribution
// for one sample of the effective size nm/(n+m).
func ksPValue(a, b []float64) float64 {
	n, m := len(a), len(b)
	if max(n, m) <= ksExact {
		return pathsOutside(n, m, ksSteps(a, b))
	}
	effective := math.RoundToEven(float64(n) * float64(m) / float64(n+m))
	return kolmogorovSurvival(int(effective), ksDistance(a, b))
}

// pathsOutside is the share of the lattice paths from (0, 0) to (n, m) with a
// point (i, j) at which |im - jn| is at least steps: Hodges 1958, The significance
// probability of the Smirnov two-sample test. A path to (i, j) came from (i-1, j)
// with probability i/(i+j), which gives the share for each point from two others
// and keeps small ones exact.
func pathsOutside(n, m, steps int) float64 {
	if steps == 0 {
		return 1
	}
	n, m = max(n, m), min(n, m)
	share := make([]float64, m+1) // of the paths to (i, j), by j
	for i := range n + 1 {
		for j := range share {
			switch d := i*m - j*n; {
			case d >= steps || -d >= steps:
				share[j] = 1
			case i == 0 || j == 0: // a straight path; it was inside so far
				share[j] = 0
			default:
				share[j] = (share[j]*float64(i) + share[j-1]*float64(j)) / float64(i+j)
			}
		}
	}
	return share[m]
}

// kolmogorovSurvival is the probability that the distance between the empirical
// distribution function of n values and the true one is at least d. Where the
// tails are thin it is twice that of the one-sided distance, with scipy's limits:
// Simard and L'Ecuyer 2011, Computing the two-sided Kolmogorov-Smirnov
// distribution, Journal of Statistical Software 39(11).
func kolmogorovSurvival(n int, d float64) float64 {
	thin := 2.2
	if n <= 140 {
		thin = 4
	}
	switch nd := float64(n) * d; {
	case nd <= 0.5:
		return 1
	case d >= 1:
		return 0
	case d >= 0.5 || nd*d >= thin:
		return min(1, 2*smirnovSurvival(n, d))
	default:
		return 1 - kolmogorovDistribution(n, d)
	}
}

// smirnovSurvival is the probability that the empirical distribution function of
// n values exceeds the true one by d somewhere: Birnbaum and Tingey 1951.
func smirnovSurvival(n int, d float64) float64 {
	size := float64(n)
	logFactorial, _ := math.Lgamma(size + 1)
	var sum float64
	for j := 0; float64(j) < size*(1-d); j++ {
		k := float64(j)
		a, _ := math.Lgamma(k + 1)
		b, _ := math.Lgamma(size - k + 1)
		sum += math.Exp(logFactorial - a - b + (size-k)*math.Log1p(-d-k/size) + (k-1)*math.Log(d+k/size))
	}
	return d * sum
}

// kolmogorovDistribution is the probability that the distance is less than d:
// Marsaglia, Tsang and Wang 2003, Evaluating Kolmogorov's distribution, Journal of
// Statistical Software 8(18).
func kolmogorovDistribution(n int, d float64) float64 {
	k := int(float64(n)*d) + 1
	size := 2*k - 1
	h := float64(k) - float64(n)*d
	step := mat.NewDense(size, size, nil)
	for i := range size {
		for j := range min(size, i+2) {
			step.Set(i, j, 1)
		}
	}
	for i := range size {
		step.Set(i, 0, step.At(i, 0)-math.Pow(h, float64(i+1)))
		step.Set(size-1, i, step.At(size-1, i)-math.Pow(h, float64(size-i)))
	}
	if 2*h > 1 {
		step.Set(size-1, 0, step.At(size-1, 0)+math.Pow(2*h-1, float64(size)))
	}
	factorial := 1.0
	for above := 1; above <= size; above++ { // divide by (i-j+1)!
		factorial *= float64(above)
		for i := above - 1; i < size; i++ {
			j := i - above + 1
			step.Set(i, j, step.At(i, j)/factorial)
		}
	}
	return powerAt(step, n, k-1)
}

// powerAt is n!/nⁿ times the diagonal entry of m to the power n.
func powerAt(m *mat.Dense, n, at int) float64 {
	size, _ := m.Dims()
	row := mat.NewVecDense(size, nil)
	row.SetVec(at, 1)
	next := mat.NewVecDense(size, nil)
	for i := range n {
		next.MulVec(m.T(), row)
		next.ScaleVec(float64(i+1)/float64(n), next)
		row, next = next, row
	}
	return row.AtVec(at)
}
