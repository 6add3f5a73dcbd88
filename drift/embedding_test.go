package drift_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/penstock/penstock/drift"
)

// value is the only number in counts, as near as its bucket tells.
func value(t *testing.T, c *drift.Counts) float64 {
	t.Helper()
	if len(c.Buckets) != 1 || c.Finite() != 1 {
		t.Fatalf("not one number but %v", c.Buckets)
	}
	return drift.Value(c.Buckets[0].Key)
}

func TestVectorsAreCountedByLengthDirectionAndCentroid(t *testing.T) {
	field := drift.Field{Name: "v", Kind: drift.Embedding, Width: 2}
	c := drift.NewCounter(drift.NewSchema([]drift.Field{field}, &drift.Reference{Fields: []drift.ReferenceField{
		{Field: field, Centroids: [][]float32{{0, 0}, {3, 3}, {3, 3}}},
	}}))
	c.Vector(0, []float32{3, 4})
	got := c.Counts(nil)
	if got[0].Rows != 0 {
		t.Errorf("the embedding's own entry has counts: %s", show(&got[0]))
	}
	if norm := value(t, &got[1]); norm != 5 {
		t.Errorf("the length of (3, 4) is %v", norm)
	}
	for i := range 16 {
		// ±3 ±4, over the square root of 2
		along := math.Abs(value(t, &got[2+i])) * math.Sqrt2
		if math.Abs(along-7) > .15 && math.Abs(along-1) > .03 {
			t.Errorf("projection %d of (3, 4) is %v over √2", i, along)
		}
	}
	if nearest := got[18]; len(nearest.Categories) != 1 || nearest.Categories[0].Key != drift.Hash([]byte("1")) {
		t.Errorf("the nearest centroid of (3, 4) is not the first of two that are: %s", show(&nearest))
	}

	c.Reset()
	c.Vector(0, []float32{float32(math.NaN()), 1})
	c.Vector(0, []float32{1})
	c.Missing(0)
	got = c.Counts(got)
	for i, counts := range got[1:] {
		numeric := i < 17
		if counts.Rows != 3 || counts.Missing != 1 || counts.TypeErrors != 1 || numeric && counts.NaN != 1 || !numeric && counts.New != 1 {
			t.Errorf("field %d of (NaN, 1), (1) and none: %s", i, show(&counts))
		}
	}
}

// Directions that were alike, or of another length, would see less or something else.
func TestProjectionsOfIndependentComponentsHaveTheirVariance(t *testing.T) {
	const width, draws = 64, 4000
	c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "v", Kind: drift.Embedding, Width: width}}, nil))
	random := rand.New(rand.NewPCG(1, 10))
	v := make([]float32, width)
	for range draws {
		for i := range v {
			v[i] = float32(random.NormFloat64())
		}
		c.Vector(0, v)
	}
	for i, counts := range c.Counts(nil)[2:] {
		var sum, squares float64
		for _, b := range counts.Buckets {
			x := drift.Value(b.Key)
			sum += x * float64(b.N)
			squares += x * x * float64(b.N)
		}
		if mean, variance := sum/draws, squares/draws; math.Abs(mean) > 5/math.Sqrt(draws) || math.Abs(variance-1) > 5*math.Sqrt(2./draws) {
			t.Errorf("projection %d has mean %.3f and variance %.3f", i, mean, variance)
		}
	}
}

// Which directions they are may not change: counts of different ones are no sum.
func TestProjectionsStay(t *testing.T) {
	c := drift.NewCounter(drift.NewSchema([]drift.Field{{Name: "v", Kind: drift.Embedding, Width: 4}}, nil))
	c.Vector(0, []float32{1, 4, 16, 64})
	// Computed apart from this package.
	want := [16]float64{-51, -51, 85, 77, -77, 53, 83, 53, 85, -85, -43, -83, -85, -77, -43, 45}
	for i, counts := range c.Counts(nil)[2:] {
		value(t, &counts)
		if got := counts.Buckets[0].Key; got != new(drift.Layout).Bucket(want[i]/2) {
			t.Errorf("projection %d is in the bucket of %v, want %v", i, drift.Value(got), want[i]/2)
		}
	}
}
