package drift

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// The flags of encoded Counts say which of them are there.
const (
	hasRows = 1 << iota // they differ from the pane's
	hasMissing
	hasNonFinite
	hasTypeErrors
	hasBuckets
	hasCategories
	hasRest
	hasDistinct
)

// appendCounts appends the encoded form of c, whose pane has so many rows.
func appendCounts(b []byte, c *Counts, rows int64) []byte {
	at := len(b)
	b = append(b, 0)
	flag := func(flag byte, there bool) bool {
		if there {
			b[at] |= flag
		}
		return there
	}
	if flag(hasRows, c.Rows != rows) {
		b = appendCount(b, c.Rows)
	}
	if flag(hasMissing, c.Missing != 0) {
		b = appendCount(b, c.Missing)
	}
	if flag(hasNonFinite, c.NaN|c.PosInf|c.NegInf != 0) {
		b = appendCount(appendCount(appendCount(b, c.NaN), c.PosInf), c.NegInf)
	}
	if flag(hasTypeErrors, c.TypeErrors != 0) {
		b = appendCount(b, c.TypeErrors)
	}
	if flag(hasBuckets, len(c.Buckets) > 0) {
		b = appendBuckets(b, c.Buckets)
	}
	if flag(hasCategories, len(c.Categories) > 0) {
		b = binary.AppendUvarint(b, uint64(len(c.Categories)))
		for _, category := range c.Categories {
			b = appendCount(binary.LittleEndian.AppendUint64(b, category.Key), category.N)
		}
	}
	if flag(hasRest, c.Other|c.New != 0) {
		b = appendCount(appendCount(b, c.Other), c.New)
	}
	if flag(hasDistinct, c.Distinct != nil) {
		b = c.Distinct.AppendBinary(binary.AppendUvarint(b, uint64(c.Distinct.size())))
	}
	return b
}

func appendCount(b []byte, n int64) []byte { return binary.AppendUvarint(b, uint64(n)) }

// appendBuckets writes of each bucket its count and, where it does not follow the
// one before at the distance of two basic ones, how far it is from that.
func appendBuckets(b []byte, buckets []Bucket) []byte {
	b = binary.AppendUvarint(b, uint64(len(buckets)))
	var last uint64
	for _, bucket := range buckets {
		distance := bucket.Key - last
		last = bucket.Key
		if distance == 1<<basicShift {
			b = binary.AppendUvarint(b, uint64(bucket.N)<<1)
			continue
		}
		b = binary.AppendUvarint(b, uint64(bucket.N)<<1|1)
		b = appendDistance(b, distance)
	}
	return b
}

// appendDistance writes a distance, which is a small multiple of a big power of two:
// between buckets that were not split, that power is known.
func appendDistance(b []byte, distance uint64) []byte {
	zeros := bits.TrailingZeros64(distance)
	if zeros >= basicShift {
		return binary.AppendUvarint(b, distance>>basicShift<<1)
	}
	b = binary.AppendUvarint(b, uint64(zeros)<<1|1)
	return binary.AppendUvarint(b, distance>>zeros)
}

// decoder reads from data until something is wrong, which err then says; all that
// is read after that is zero.
type decoder struct {
	data []byte
	err  error
}

var errTruncated = errors.New("it ends too early")

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.data = nil
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail(errTruncated)
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail(errTruncated)
		return 0
	}
	d.data = d.data[n:]
	return v
}

// count reads a number that is not negative.
func (d *decoder) count() int64 {
	v := d.uvarint()
	if v > math.MaxInt64 {
		d.fail(fmt.Errorf("%d is too big for a count", v))
		return 0
	}
	return int64(v)
}

// length reads how many elements follow, of at least so many bytes each: that
// bounds what is allocated by the size of the input.
func (d *decoder) length(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.data)/size) {
		d.fail(errTruncated)
		return 0
	}
	return int(n)
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.data) {
		d.fail(errTruncated)
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) bool() bool { return d.byte() != 0 }

func (d *decoder) uint64() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) string() string { return string(d.bytes(d.length(1))) }

// counts reads what appendCounts wrote.
func (d *decoder) counts(c *Counts, rows int64) {
	flags := d.byte()
	c.Rows = rows
	if flags&hasRows != 0 {
		c.Rows = d.count()
	}
	if flags&hasMissing != 0 {
		c.Missing = d.count()
	}
	if flags&hasNonFinite != 0 {
		c.NaN, c.PosInf, c.NegInf = d.count(), d.count(), d.count()
	}
	if flags&hasTypeErrors != 0 {
		c.TypeErrors = d.count()
	}
	if flags&hasBuckets != 0 {
		c.Buckets = d.buckets()
	}
	if flags&hasCategories != 0 {
		c.Categories = d.categories()
	}
	if flags&hasRest != 0 {
		c.Other, c.New = d.count(), d.count()
	}
	if flags&hasDistinct != 0 {
		data := d.bytes(d.length(1))
		c.Distinct = new(Distinct)
		if err := c.Distinct.UnmarshalBinary(data); err != nil {
			d.fail(err)
		}
	}
}

func (d *decoder) buckets() []Bucket {
	n := d.length(1)
	if n == 0 {
		return nil // also where a flag says that there are some
	}
	buckets := make([]Bucket, n)
	var last uint64
	for i := range buckets {
		count, distance := d.uvarint(), uint64(1<<basicShift)
		if count&1 != 0 {
			distance = d.distance()
		}
		if i > 0 && distance == 0 || last+distance < last {
			d.fail(errOrder)
		}
		last += distance
		buckets[i] = Bucket{Key: last, N: int64(count >> 1)}
	}
	return buckets
}

func (d *decoder) distance() uint64 {
	first := d.uvarint()
	v, shift := first>>1, basicShift
	if first&1 != 0 {
		v, shift = d.uvarint(), int(min(first>>1, basicShift))
		if v&1 == 0 || shift == basicShift {
			d.fail(errOrder) // there is another way to write it
		}
	}
	if v<<shift>>shift != v {
		d.fail(errOrder)
	}
	return v << shift
}

var errOrder = errors.New("buckets or categories out of order")

func (d *decoder) categories() []Category {
	n := d.length(9)
	if n == 0 {
		return nil // as buckets does
	}
	categories := make([]Category, n)
	for i := range categories {
		categories[i] = Category{Key: d.uint64(), N: d.count()}
		if i > 0 && categories[i].Key <= categories[i-1].Key {
			d.fail(errOrder)
		}
	}
	return categories
}
