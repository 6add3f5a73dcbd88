package drift

// refine makes of a sketch the layout of a field and what its buckets hold: basic
// buckets, halved until none holds more than a hundredth of all values, or it is
// one value, or the sketch knows no better.
func refine(d sketch) (Layout, []Bucket) {
	r := refinement{limit: d.total() / 100}
	for len(d) > 0 {
		key, end := basicBucket(d[0].key), 1
		for end < len(d) && basicBucket(d[end].key) == key {
			end++
		}
		r.split(d[:end], key, basicShift)
		d = d[end:]
	}
	return r.layout, r.buckets
}

type refinement struct {
	limit   int64
	layout  Layout
	buckets []Bucket
}

// split gives the buckets that the stretch of keys from key to key+1<<shift, with
// all that it holds, is divided into.
func (r *refinement) split(d sketch, key uint64, shift uint8) {
	n := d.total()
	whole := len(d) > 0 && d[0].shift == shift
	if n <= r.limit || whole && len(d) == 1 {
		r.bucket(key, n, shift)
		return
	}
	// Of what is counted for the whole stretch only it is not known in which
	// bucket it is: it goes to the first one.
	if whole {
		first := d[0]
		first.shift--
		d = sketch{first}.merge(d[1:])
	}
	half := key | 1<<(shift-1)
	middle := 0
	for middle < len(d) && d[middle].key < half {
		middle++
	}
	r.split(d[:middle], key, shift-1)
	r.split(d[middle:], half, shift-1)
}

// bucket adds one behind the others.
func (r *refinement) bucket(key uint64, n int64, shift uint8) {
	if shift < basicShift {
		r.layout.Splits = append(r.layout.Splits, key)
	}
	if n > 0 {
		r.buckets = append(r.buckets, Bucket{key, n})
	}
}
