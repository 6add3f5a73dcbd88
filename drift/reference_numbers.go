package drift

import "math"

const (
	// sketchRoom is how many stretches the sketch of a field may have, and all of
	// those of its blocks together about twice as many; blockRoom is how many
	// that of a block may have however many blocks there are.
	sketchRoom = 1 << 14
	blockRoom  = 128
	// waitingRoom is how many values wait to be put into sketches together.
	waitingRoom = 1 << 15
)

// numberColumn gathers a numeric field.
type numberColumn struct {
	field   Field
	counts  Counts // but for Rows and Buckets
	all     sketch
	blocks  []numberBlock
	waiting []sample
}

// numberBlock is what a block of the reference holds of the field.
type numberBlock struct {
	missing, nan, posInf, negInf, typeErrors int64
	finite                                   sketch
}

// add counts a value in a block.
func (c *numberColumn) add(v float64, block int32) {
	if isFinite(v) {
		if len(c.waiting) == waitingRoom {
			c.fold()
		}
		c.waiting = append(c.waiting, sample{Key(v), block})
		return
	}
	b := c.block(block)
	switch {
	case math.IsNaN(v):
		c.counts.NaN++
		b.nan++
	case v > 0:
		c.counts.PosInf++
		b.posInf++
	default:
		c.counts.NegInf++
		b.negInf++
	}
}

func (c *numberColumn) missing(block int32) {
	c.counts.Missing++
	c.block(block).missing++
}

func (c *numberColumn) typeError(block int32) {
	c.counts.TypeErrors++
	c.block(block).typeErrors++
}

// addCounts adds what was counted without a reference.
func (c *numberColumn) addCounts(o *Counts, _ map[uint64]string, block int32) {
	b := c.block(block)
	b.missing, b.nan, b.posInf, b.negInf = b.missing+o.Missing, b.nan+o.NaN, b.posInf+o.PosInf, b.negInf+o.NegInf
	b.typeErrors += o.TypeErrors
	c.counts.Missing += o.Missing
	c.counts.NaN += o.NaN
	c.counts.PosInf += o.PosInf
	c.counts.NegInf += o.NegInf
	c.counts.TypeErrors += o.TypeErrors
	d := make(sketch, len(o.Buckets))
	for i, bucket := range o.Buckets {
		d[i] = stretch{key: bucket.Key, n: bucket.N, shift: basicShift}
	}
	c.put(d, block)
	c.all = c.all.merge(d).shrink(sketchRoom)
}

// block is that of a number, which is made where it is not there yet.
func (c *numberColumn) block(i int32) *numberBlock {
	for len(c.blocks) <= int(i) {
		c.blocks = append(c.blocks, numberBlock{})
	}
	return &c.blocks[i]
}

// fold puts the waiting values into sketches.
func (c *numberColumn) fold() {
	sorted := sortSamples(c.waiting)
	all := newSketch(sorted)
	c.all = c.all.merge(all).shrink(sketchRoom)
	for samples := range byBlock(sorted) {
		if len(samples) < len(sorted) {
			c.put(newSketch(samples), samples[0].block)
		} else {
			c.put(all, samples[0].block)
		}
	}
	c.waiting = c.waiting[:0]
}

// put adds to what a block holds.
func (c *numberColumn) put(d sketch, block int32) {
	b := c.block(block)
	b.finite = b.finite.merge(d).shrink(max(blockRoom, sketchRoom/len(c.blocks)))
}

func (c *numberColumn) join(to []int32, blocks int) {
	c.fold()
	joined := make([]numberBlock, blocks)
	for i := range c.blocks {
		b, o := &joined[to[i]], &c.blocks[i]
		b.missing, b.nan, b.posInf, b.negInf = b.missing+o.missing, b.nan+o.nan, b.posInf+o.posInf, b.negInf+o.negInf
		b.typeErrors += o.typeErrors
		b.finite = b.finite.merge(o.finite).shrink(max(blockRoom, sketchRoom/blocks))
	}
	c.blocks = joined
}

func (c *numberColumn) build(order []int32) ReferenceField {
	c.fold()
	f := ReferenceField{Field: c.field, Counts: c.counts}
	f.Layout, f.Counts.Buckets = refine(c.all)
	f.Counts.Rows = f.Counts.Finite() + c.counts.Missing + c.counts.NaN + c.counts.PosInf + c.counts.NegInf + c.counts.TypeErrors
	f.Bins = makeBins(&f.Layout, f.Counts.Buckets)
	for _, i := range order {
		b := c.block(i)
		var buckets []Bucket
		for _, s := range b.finite {
			buckets = append(buckets, Bucket{s.key, s.n})
		}
		f.Blocks = append(f.Blocks, f.Cells(&Counts{
			Buckets: buckets, NegInf: b.negInf, PosInf: b.posInf, NaN: b.nan, Missing: b.missing, TypeErrors: b.typeErrors,
		}, make([]int64, 0, f.cells())))
	}
	return f
}
