package drift

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"
)

// referenceOf is that of one numeric field.
func referenceOf(t *testing.T, values []float64) *ReferenceField {
	t.Helper()
	b := NewReferenceBuilder([]Field{{Name: "x"}}, time.Hour)
	for range values {
		b.At(0, false).Row()
	}
	b.At(0, false).Numbers(0, values)
	r, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return &r.Fields[0]
}

// halfWidths is how far values may lie from the middles of their buckets, on
// average.
func halfWidths(l *Layout, c *Counts) float64 {
	var sum float64
	for _, b := range c.Buckets {
		sum += float64(b.N) / float64(c.Finite()) * (Value(l.End(b.Key)-1) - Value(b.Key)) / 2
	}
	return sum
}

// The means of the exact distances are NannyML's; the interval must hold each
// exact distance. Without refinement of buckets some are .12 wide. Wasserstein
// distances, of the middles of buckets, are as near to those of the values as these
// are to the middles.
func TestKolmogorovSmirnovIntervalsOnCaliforniaHousing(t *testing.T) {
	reference := map[string][]float64{}
	before := housing(t, "testdata/california_housing_reference.csv.gz")
	for _, month := range slices.Sorted(maps.Keys(before)) {
		for name, values := range before[month] {
			reference[name] = append(reference[name], values...)
		}
	}
	chunks := housing(t, "testdata/california_housing_analysis.csv.gz")
	maps.Copy(chunks, before)
	if len(chunks) != 20 {
		t.Fatalf("there are %d months, not 20", len(chunks))
	}
	mean := map[string]float64{}
	widest, intervals, most := 0.0, 0, 0
	for name, values := range reference {
		f, sorted := referenceOf(t, values), slices.Sorted(slices.Values(values))
		most = max(most, len(f.Counts.Buckets))
		for month, columns := range chunks {
			if len(columns[name]) == 0 {
				continue // the labels of the reference
			}
			window := slices.Sorted(slices.Values(columns[name]))
			exact := ksDistance(sorted, window)
			mean[name] += exact / 20
			s := f.Compare(Counted(&f.Layout, columns[name]), 1)
			if exact < s.KSLower-1e-12 || exact > s.KSUpper+1e-12 {
				t.Errorf("%s in %s: %v is not in [%v, %v]", name, month, exact, s.KSLower, s.KSUpper)
			}
			if width := s.KSUpper - s.KSLower; width > 0.0101 {
				t.Errorf("%s in %s: the interval is %.4f wide", name, month, width)
			} else {
				widest = max(widest, width)
			}
			intervals++
			_, deviation := meanAndDeviation(values)
			c := Counted(&f.Layout, window)
			within := halfWidths(&f.Layout, &f.Counts) + halfWidths(&f.Layout, c)
			near(t, name+" in "+month+": Wasserstein", s.W1*deviation, wasserstein1(sorted, window), within+.01*s.W1*deviation)
		}
	}
	t.Logf("%d intervals, the widest %.4f, at most %d buckets a field", intervals, widest, most)
	if intervals < 20*9 {
		t.Errorf("there are %d intervals only", intervals)
	}
	for name, want := range map[string]float64{"Longitude": .712709, "HouseAge": .201638, "MedInc": .154952, "AveRooms": .129277} {
		if math.Abs(mean[name]-want) > 5e-7 {
			t.Errorf("%s: the mean distance is %.6f, want %.6f", name, mean[name], want)
		}
	}
}
