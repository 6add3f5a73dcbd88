package drift

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
)

// manyFields are 200 of which so many are categories of 10,000 values and the others
// numbers of so many decades, either sign.
func manyFields(categories, decades int) []Counts {
	const each = 150 // two bytes
	byKey := func(a, b Bucket) int { return cmp.Compare(a.Key, b.Key) }
	numbers := Counts{}
	for _, sign := range []float64{-1, 1} {
		last := uint64(0)
		for v := math.Pow10(-decades / 2); v < math.Pow10(decades-decades/2); v *= 1.005 {
			if key := basicBucket(Key(sign * v)); key != last {
				numbers.Buckets = append(numbers.Buckets, Bucket{key, each})
				last = key
			}
		}
	}
	slices.SortFunc(numbers.Buckets, byKey)
	numbers.Rows = each * int64(len(numbers.Buckets))
	texts := Counts{Rows: each * MaxCategories, Distinct: new(Distinct)}
	for i := range uint64(MaxCategories) {
		texts.Categories = append(texts.Categories, Category{Hash(fmt.Append(nil, i)), each})
	}
	var ranks [registers]uint8
	for i := range ranks {
		ranks[i] = 3
	}
	texts.Distinct.set(&ranks)
	slices.SortFunc(texts.Categories, byKey)
	fields := make([]Counts, 200)
	for i := range fields {
		if fields[i] = numbers; i < categories {
			fields[i] = texts
		}
	}
	return fields
}

// BenchmarkState is what is kept of 200 features after two days of windows of an hour
// and of a day, what a commit writes where both have a sum that changed, and how long
// a takeover takes to read it all.
func BenchmarkState(b *testing.B) {
	for _, c := range []struct{ categories, decades int }{{0, 2}, {0, 12}, {20, 2}} {
		b.Run(fmt.Sprintf("categories=%d/decades=%d", c.categories, c.decades), func(b *testing.B) {
			w := newBenchWindows()
			pane := &Pane{Rows: 1, Fields: manyFields(c.categories, c.decades)}
			now := int64(50 * 3_600_000)
			for _, g := range w.grids {
				for start := int64(0); start <= now; start += g.hop {
					if now < g.horizon(g.lastWindow(g.span(start))) {
						g.at(g.span(start)).add(pane)
					}
				}
			}
			records := stored(w)
			kept, largest := 0, 0
			for _, record := range records {
				kept, largest = kept+len(record), max(largest, len(record))
			}
			sums := len(w.grids[0].cells) + len(w.grids[1].cells)
			for b.Loop() {
				if err := newBenchWindows().Restore(maps.All(records)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(kept)/1e6, "MB-kept")
			b.ReportMetric(float64(len(records)), "records")
			b.ReportMetric(float64(largest)/1024, "KiB-largest")
			b.ReportMetric(float64(kept)/1e6/float64(sums)*float64(len(w.grids)), "MB-written")
			b.ReportMetric(float64(sums), "sums")
		})
	}
}
