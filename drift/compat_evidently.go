package drift

import (
	"math"
	"strconv"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	evidentlySmall = 1000 // up to so many reference values it tests, beyond it takes distances
	evidentlyFew   = 5    // up to so many different numbers it treats them as categories
)

// evidentlyNumbers is Evidently's default for numeric columns, of finite values.
func evidentlyNumbers(ref, cur []float64) map[string]float64 {
	if len(ref) == 0 || len(cur) == 0 {
		return nil
	}
	if r, c := few(ref), few(cur); r != nil && c != nil && different(*r, *c) <= evidentlyFew {
		return evidentlyTexts(*r, *c)
	}
	if len(ref) <= evidentlySmall {
		return map[string]float64{"ks": ksPValue(ref, cur)}
	}
	_, deviation := meanAndDeviation(ref)
	return map[string]float64{"wasserstein_normed": wasserstein1(ref, cur) / max(deviation, 0.001)}
}

// evidentlyTexts is Evidently's default for categorical columns.
func evidentlyTexts(ref, cur frequencies) map[string]float64 {
	switch {
	case ref.total == 0 || cur.total == 0:
		return nil
	case ref.total > evidentlySmall:
		ofRef, ofCur := paired(ref, cur)
		return map[string]float64{"jensen_shannon": shannonDistance(shares(ofRef, ref.total), shares(ofCur, cur.total))}
	case different(ref, cur) > 2:
		return map[string]float64{"chisquare": goodnessOfFit(paired(ref, cur))}
	default:
		return map[string]float64{"z": proportions(paired(ref, cur))}
	}
}

// few tallies ascending numbers, nil when too many of them differ.
func few(sorted []float64) *frequencies {
	f := frequencies{counts: map[string]int{}, total: len(sorted)}
	for i := 0; i < len(sorted); {
		if len(f.counts) > evidentlyFew {
			return nil
		}
		next := upTo(sorted, sorted[i])
		f.counts[strconv.FormatFloat(sorted[i]+0, 'g', -1, 64)] = next - i // +0: -0 and 0 are one
		i = next
	}
	return &f
}

// goodnessOfFit is the p-value of Pearson's test that cur was drawn from the
// shares of ref, which are taken as known: 0 when cur has a value that ref lacks.
func goodnessOfFit(ref, cur []int) float64 {
	ofRef, ofCur := sum(ref), sum(cur)
	var statistic float64
	for i := range ref {
		expected := float64(ref[i]) * (ofCur / ofRef)
		off := float64(cur[i]) - expected
		statistic += off * off / expected
	}
	return distuv.ChiSquared{K: float64(len(ref) - 1)}.Survival(statistic)
}

// proportions is the two-sided p-value of the z-test, with a pooled variance,
// that the share of the second of two values is the same. It is 1 for one value.
func proportions(ref, cur []int) float64 {
	if len(ref) < 2 {
		return 1
	}
	ofRef, ofCur := sum(ref), sum(cur)
	pooled := float64(ref[1]+cur[1]) / (ofRef + ofCur)
	z := (float64(ref[1])/ofRef - float64(cur[1])/ofCur) / math.Sqrt(pooled*(1-pooled)*(1/ofRef+1/ofCur))
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}

func sum(counts []int) float64 {
	n := 0
	for _, c := range counts {
		n += c
	}
	return float64(n)
}
