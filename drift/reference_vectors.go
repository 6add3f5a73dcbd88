package drift

import (
	"slices"
	"strconv"
)

const (
	// vectorRoom is how many vectors, the first ones, centroids are made of.
	vectorRoom = 4096
	// centroidCount is how many centroids there are at most.
	centroidCount = 16
	// centroidRounds is how often they are moved at most.
	centroidRounds = 20
)

// vectorColumn gathers an embedding: by the columns that it is counted as, which
// stand behind it, and by its centroids, which are made of the first vectors and
// then count all.
type vectorColumn struct {
	field     Field
	signs     []float64
	norm      *numberColumn
	along     [projections]*numberColumn
	nearest   *textColumn
	waiting   []vector // until there are centroids
	centroids [][]float32
}

// vector is one of a block.
type vector struct {
	v     []float32
	block int32
}

// newVectorColumns are an embedding's own column and those that it is counted as.
func newVectorColumns(f Field) []column {
	fields := f.Expand(centroidCount)
	c := &vectorColumn{field: f, signs: signs(f.Width), norm: &numberColumn{field: fields[1]}}
	all := []column{c, c.norm}
	for i := range c.along {
		c.along[i] = &numberColumn{field: fields[2+i]}
		all = append(all, c.along[i])
	}
	c.nearest = newTextColumn(fields[len(fields)-1])
	return append(all, c.nearest)
}

// add counts a vector in a block.
func (c *vectorColumn) add(v []float32, block int32) {
	norm, along := project(v, c.signs)
	c.norm.add(norm, block)
	for i, x := range along {
		c.along[i].add(x, block)
	}
	if c.centroids != nil {
		c.count(v, block)
		return
	}
	c.waiting = append(c.waiting, vector{slices.Clone(v), block})
	if len(c.waiting) == vectorRoom {
		c.settle()
	}
}

// count counts a vector by its centroid.
func (c *vectorColumn) count(v []float32, block int32) {
	name := strconv.AppendInt(nil, int64(nearest(v, c.centroids)), 10)
	c.nearest.add(Hash(name), name, true, 1, block)
}

// settle makes the centroids and counts the vectors that waited for them.
func (c *vectorColumn) settle() {
	c.centroids = makeCentroids(c.waiting)
	for _, w := range c.waiting {
		c.count(w.v, w.block)
	}
	c.waiting = nil
}

// makeCentroids is Lloyd's algorithm, begun with the first vector and each time the
// one that is farthest from those chosen. Vectors that are not finite do not count.
func makeCentroids(all []vector) [][]float32 {
	var finite [][]float32
	for _, w := range all {
		if nearest(w.v, [][]float32{make([]float32, len(w.v))}) == 0 {
			finite = append(finite, w.v)
		}
	}
	centroids := [][]float32{}
	for len(finite) > 0 && len(centroids) < centroidCount {
		next := farthest(finite, centroids)
		if next < 0 {
			break // all are the same as one of those
		}
		centroids = append(centroids, slices.Clone(finite[next]))
	}
	for range centroidRounds {
		if !move(centroids, finite) {
			break
		}
	}
	return centroids
}

// farthest is the vector whose centroid is farthest, the first of several; the
// first of all where there is no centroid, -1 where all are centroids.
func farthest(all, centroids [][]float32) int {
	if len(centroids) == 0 {
		return 0
	}
	at, most := -1, 0.0
	for i, v := range all {
		if d := squaredDistance(v, centroids[nearest(v, centroids)]); d > most {
			at, most = i, d
		}
	}
	return at
}

// move puts each centroid into the middle of the vectors that it is the nearest of,
// and tells whether one moved.
func move(centroids, all [][]float32) bool {
	sums, n := make([][]float64, len(centroids)), make([]float64, len(centroids))
	for _, v := range all {
		i := nearest(v, centroids)
		if sums[i] == nil {
			sums[i] = make([]float64, len(v))
		}
		n[i]++
		for j, x := range v {
			sums[i][j] += float64(x)
		}
	}
	moved := false
	for i, sum := range sums {
		for j := range sum {
			x := float32(sum[j] / n[i])
			moved = moved || x != centroids[i][j]
			centroids[i][j] = x
		}
	}
	return moved
}

func squaredDistance(a, b []float32) float64 {
	var squares float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		squares += float64(d * d)
	}
	return squares
}

func (c *vectorColumn) missing(int32) {}

func (c *vectorColumn) typeError(int32) {}

func (c *vectorColumn) addCounts(*Counts, map[uint64]string, int32) {}

func (c *vectorColumn) join(to []int32, _ int) {
	for i := range c.waiting {
		c.waiting[i].block = to[c.waiting[i].block]
	}
}

func (c *vectorColumn) build([]int32) ReferenceField {
	if c.centroids == nil {
		c.settle()
	}
	return ReferenceField{Field: c.field, Centroids: c.centroids}
}
