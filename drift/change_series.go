package drift

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// What a Change is of.
const (
	ChangeLevel    = "level"    // of a numeric feature: where its values lie
	ChangeSpread   = "spread"   // of a numeric feature: how far from their middle
	ChangeMissing  = "missing"  // share of the rows without a finite value or a name
	ChangeCategory = "category" // share of one category
	ChangeOther    = "other"    // share of the known values that are not counted by name
	ChangeNew      = "new"      // share of the values that the reference has never seen
)

// changeCategories is how many categories, the commonest ones, have a series.
const changeCategories = 10

// paneSeries is one number a pane: the mean of a score over the pane's values. The
// sums are kept, so that panes can be joined.
type paneSeries struct {
	what     string
	category uint64
	sums     []float64
	values   []int64 // how many values the sum is over
	variance float64 // of one value's score, all panes together
	least    int64   // values that a mean needs to be nearly normal
}

// seriesOf are the series of a feature's panes.
func seriesOf(panes []Counts) []paneSeries {
	all := []paneSeries{shareSeries(ChangeMissing, 0, panes,
		func(c *Counts) int64 { return c.Rows - c.Finite() - c.Named() },
		func(c *Counts) int64 { return c.Rows })}
	buckets, categories := map[uint64]int64{}, map[uint64]int64{}
	for i := range panes {
		for _, b := range panes[i].Buckets {
			buckets[b.Key] += b.N
		}
		for _, c := range panes[i].Categories {
			categories[c.Key] += c.N
		}
	}
	if len(buckets) > 0 {
		rank := ranks(buckets)
		spread := map[uint64]float64{}
		for key, r := range rank {
			spread[key] = math.Abs(r - 0.5)
		}
		return append(all, scoreSeries(ChangeLevel, panes, rank), scoreSeries(ChangeSpread, panes, spread))
	}
	for _, hash := range commonest(categories) {
		all = append(all, shareSeries(ChangeCategory, hash, panes, func(c *Counts) int64 { return c.category(hash) }, (*Counts).Named))
	}
	return append(all,
		shareSeries(ChangeOther, 0, panes, func(c *Counts) int64 { return c.Other }, (*Counts).Named),
		shareSeries(ChangeNew, 0, panes, func(c *Counts) int64 { return c.New }, (*Counts).Named))
}

// ranks are the mean ranks of the buckets' values among all, from 0 to 1. A mean
// of ranks moves with the level as a mean does, and no single value can move it.
func ranks(buckets map[uint64]int64) map[uint64]float64 {
	total, before := 0.0, 0.0
	for _, n := range buckets {
		total += float64(n)
	}
	rank := make(map[uint64]float64, len(buckets))
	for _, key := range slices.Sorted(maps.Keys(buckets)) {
		n := float64(buckets[key])
		rank[key] = (before + n/2) / total
		before += n
	}
	return rank
}

// scoreSeries is the mean score of each pane's values.
func scoreSeries(what string, panes []Counts, score map[uint64]float64) paneSeries {
	s := paneSeries{what: what, least: 30}
	var sum, squares, n float64
	for i := range panes {
		of := 0.0
		for _, b := range panes[i].Buckets {
			v := score[b.Key]
			of += float64(b.N) * v
			squares += float64(b.N) * v * v
		}
		s.sums, s.values = append(s.sums, of), append(s.values, panes[i].Finite())
		sum, n = sum+of, n+float64(panes[i].Finite())
	}
	s.variance = squares/n - sum/n*sum/n
	return s
}

// shareSeries is the share of some of each pane's values.
func shareSeries(what string, category uint64, panes []Counts, some, of func(*Counts) int64) paneSeries {
	s := paneSeries{what: what, category: category}
	var sum, n float64
	for i := range panes {
		s.sums, s.values = append(s.sums, float64(some(&panes[i]))), append(s.values, of(&panes[i]))
		sum, n = sum+s.sums[i], n+float64(s.values[i])
	}
	if n > 0 && sum > 0 && sum < n {
		s.variance = sum / n * (1 - sum/n)
		s.least = int64(math.Ceil(10 / s.variance))
	}
	return s
}

// commonest are the hashes of the commonest categories.
func commonest(categories map[uint64]int64) []uint64 {
	hashes := slices.SortedFunc(maps.Keys(categories), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(categories[b], categories[a]), cmp.Compare(a, b))
	})
	return hashes[:min(len(hashes), changeCategories)]
}
