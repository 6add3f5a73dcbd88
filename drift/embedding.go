package drift

import (
	"math"
	"strconv"
)

// projections is how many random directions an embedding is looked at from.
const projections = 16

// Expand gives the fields that a field is counted as. Of an embedding NAME these
// are, behind its own entry, which itself counts nothing: NAME.norm, its Euclidean
// length; NAME.p0 to NAME.p15, its projections; and, where there are any, which of
// so many centroids is the nearest, NAME.centroid. Other fields stay as they are.
func (f Field) Expand(centroids int) []Field {
	if f.Kind != Embedding {
		return []Field{f}
	}
	all := []Field{f, {Name: f.Name + ".norm", Role: f.Role}}
	for i := range projections {
		all = append(all, Field{Name: f.Name + ".p" + strconv.Itoa(i), Role: f.Role})
	}
	if centroids > 0 {
		all = append(all, Field{Name: f.Name + ".centroid", Role: f.Role, Kind: Categorical, Top: centroids})
	}
	return all
}

// signs are the directions of the projections of vectors of a width: of each
// component in turn its sign in each direction. They are random signs (Achlioptas,
// "Database-friendly random projections", 2003), as sums of signed numbers are the
// same on every machine. The bits of the component's output of SplitMix64 (Steele
// and others 2014), started at 0, choose them, from the lowest on.
func signs(width int) []float64 {
	all := make([]float64, 0, width*projections)
	var state uint64
	for range width {
		state += 0x9E3779B97F4A7C15
		z := (state ^ state>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		for i := range projections {
			all = append(all, float64(int(z>>i&1)*2-1))
		}
	}
	return all
}

// project gives a vector's length, and its components along the directions. These
// have the variance of its own components where those are independent: each is
// the sum, with signs, over the square root of the width.
func project(v []float32, signs []float64) (norm float64, along [projections]float64) {
	var squares float64
	for i, x := range v {
		x := float64(x)
		squares += float64(x * x) // the conversion keeps machines from fusing both
		for j, sign := range (*[projections]float64)(signs[i*projections:]) {
			along[j] += x * sign
		}
	}
	scale := 1 / math.Sqrt(float64(len(v)))
	for j := range along {
		along[j] *= scale
	}
	return math.Sqrt(squares), along
}

// nearest is the centroid at the smallest Euclidean distance, the first of several;
// -1 where none has one.
func nearest(v []float32, centroids [][]float32) int {
	at, least := -1, math.Inf(1)
	for i, c := range centroids {
		var squares float64
		for j := range c {
			d := float64(v[j]) - float64(c[j])
			squares += float64(d * d)
		}
		if squares < least {
			at, least = i, squares
		}
	}
	return at
}
