package drift

import (
	"math"
	"slices"
)

// standardised are the series' means, in deviations from the mean of all, and the
// pane that each ends with. Panes are joined until they have enough values, and
// then until neighbours are hardly alike.
func (s *paneSeries) standardised() (means []float64, at []int) {
	if s.variance <= 0 {
		return nil, nil // all values are the same
	}
	var total, values float64
	for i := range s.sums {
		total, values = total+s.sums[i], values+float64(s.values[i])
	}
	var sum float64
	var n int64
	for i := range s.sums {
		sum, n = sum+s.sums[i], n+s.values[i]
		if n < s.least {
			continue
		}
		m := float64(n)
		means, at = append(means, (sum/m-total/values)*math.Sqrt(m/s.variance)), append(at, i)
		sum, n = 0, 0
	}
	length := correlationLength(means)
	means = blockSums(means, length)
	for i := range means {
		at[i] = at[(i+1)*length-1]
		means[i] /= math.Sqrt(float64(length))
	}
	deviation := slices.Max(blockDeviations(means))
	for i := range means {
		means[i] /= deviation
	}
	return means, at[:len(means)]
}

const (
	leastBlocks = 32   // that a deviation is taken from
	mostOf      = 0.75 // of the largest deviation, that joined panes must have
)

// blockDeviations are, for blocks of 1, 2, 4, … values, the deviation of a block's
// sum over the root of its length: all the same where the values are independent,
// growing where neighbours are alike; at least 1, which draws alone do. They are
// taken from the median difference between neighbouring blocks, which a change of
// the level does not move.
func blockDeviations(values []float64) []float64 {
	const normal = 0.6744897501960817 * math.Sqrt2 // median of |a-b| for two standard normal values
	var all []float64
	for length := 1; len(values)/length >= leastBlocks; length *= 2 {
		sums := blockSums(values, length)
		for i := range sums[1:] {
			sums[i] = math.Abs(sums[i+1] - sums[i])
		}
		differences := sums[:len(sums)-1]
		slices.Sort(differences)
		all = append(all, max(1, differences[len(differences)/2]/normal/math.Sqrt(float64(length))))
	}
	if all == nil {
		all = []float64{1}
	}
	return all
}

// correlationLength is how many values to join so that neighbours are hardly
// alike: the shortest blocks with most of the deviation that any have.
func correlationLength(values []float64) int {
	deviations := blockDeviations(values)
	enough := mostOf * slices.Max(deviations)
	return 1 << slices.IndexFunc(deviations, func(d float64) bool { return d >= enough })
}

// blockSums are the sums of whole blocks of so many values.
func blockSums(values []float64, length int) []float64 {
	sums := make([]float64, len(values)/length)
	for i := range sums {
		for _, v := range values[i*length : (i+1)*length] {
			sums[i] += v
		}
	}
	return sums
}
