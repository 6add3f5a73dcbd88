package drift

import (
	"cmp"
	"slices"
)

// adjust turns the p-values of hypotheses that are tested together into q-values:
// rejecting those with q at most alpha keeps the expected share of false ones
// among the rejected at alpha, and where nothing drifts, the chance of any
// rejection. Benjamini, Hochberg, "Controlling the False Discovery Rate", 1995;
// it holds for independent tests and for positively dependent ones.
func adjust(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	q := make([]float64, len(p))
	least := 1.0
	for rank := len(order); rank > 0; rank-- {
		i := order[rank-1]
		least = min(least, p[i]*float64(len(p))/float64(rank))
		q[i] = least
	}
	return q
}
