package inference

import (
	"fmt"

	"github.com/penstock/penstock"
)

// misfit says why an array does not fit its input, and the offset of what is at
// fault. It is the zero value when the array fits.
type misfit struct {
	why string
	at  int
}

// wholeRow decodes the array at p, which is not null, to a row of an input.
func (b *Batch) wholeRow(data []byte, p int, n *node, t *target, depth int) int {
	s := &b.stores[t.input]
	var end int
	var bad misfit
	switch {
	case p >= len(data):
		return b.fault.unexpected(data, p, "a value")
	case data[p] != '[':
		bad = misfit{valueWords(data[p]), p}
	case s.in.layout == raggedLayout:
		end, bad = b.ragged(data, p, n, t, depth+1)
	default:
		end, bad = b.nested(data, p, n, t, s.in.dims, b.row*s.width, depth+1)
	}
	if bad.why == "" {
		return end
	}
	b.wrongType(n, t, bad.at, bad.why)
	return skipValue(data, p, depth, &b.fault)
}

// arrayWords says what a row of an input is filled from.
func arrayWords(in *plannedInput) string {
	switch {
	case in.layout == raggedLayout:
		return "an array"
	case len(in.dims) > 1:
		return fmt.Sprintf("nested arrays of %v values", in.dims)
	case in.padded:
		return fmt.Sprintf("an array of at most %d values", in.dims[0])
	}
	return fmt.Sprintf("an array of %d values", in.dims[0])
}

// nested decodes the array at p, which stands depth containers deep, itself
// included, to the elements of s from at, in row-major order of dims.
//
//revive:disable-next-line:argument-limit they are a position in the text and one in the tensor
func (b *Batch) nested(data []byte, p int, n *node, t *target, dims []int, at, depth int) (int, misfit) {
	s, start, step := &b.stores[t.input], p, 1
	for _, d := range dims[1:] {
		step *= d
	}
	count := 0
	for p = b.open(data, p, depth); p >= 0 && data[p] != ']'; p = b.next(data, p) {
		if count == dims[0] {
			return p, misfit{fmt.Sprintf("an array of more than %d values", count), start}
		}
		var bad misfit
		if len(dims) == 1 || data[p] != '[' {
			p, bad = b.arrayValue(data, p, n, t, at+count*step, len(dims) == 1)
		} else {
			p, bad = b.nested(data, p, n, t, dims[1:], at+count*step, depth+1)
		}
		if p < 0 || bad.why != "" {
			return p, bad
		}
		count++
	}
	switch {
	case p < 0:
		return -1, misfit{}
	case count < dims[0] && !s.in.padded:
		return p, misfit{fmt.Sprintf("an array of %d values", count), start}
	}
	for ; count < dims[0]; count++ {
		s.fill(at+count, &s.in.pad)
		s.hole(at + count)
	}
	return p + 1, misfit{}
}

// ragged decodes the array at p, which stands depth containers deep, itself
// included, to a row of any length.
func (b *Batch) ragged(data []byte, p int, n *node, t *target, depth int) (int, misfit) {
	s, start := &b.stores[t.input], p
	first := s.starts[b.row]
	at := first
	for p = b.open(data, p, depth); p >= 0 && data[p] != ']'; p = b.next(data, p) {
		if at-first == b.longest {
			b.reject(penstock.ClassTooLarge, n, start, "an array of more than %d values", b.longest)
			return skipContainer(data, start, depth-1, &b.fault), misfit{}
		}
		s.room(at)
		var bad misfit
		if p, bad = b.arrayValue(data, p, n, t, at, true); p < 0 || bad.why != "" {
			return p, bad
		}
		at++
	}
	if p < 0 {
		return -1, misfit{}
	}
	s.starts[b.row+1] = at
	return p + 1, misfit{}
}

// arrayValue decodes a value within an array to element i. A null follows the
// missing policy. An array is wanted in its place when it is no element.
func (b *Batch) arrayValue(data []byte, p int, n *node, t *target, i int, element bool) (int, misfit) {
	s := &b.stores[t.input]
	if data[p] == 'n' {
		end := skipLiteral(data, p, &b.fault)
		switch {
		case end < 0:
		case !element:
			return end, misfit{"null in place of an array", p}
		case t.policy == MissingReject:
			b.reject(penstock.ClassMissing, n, p, "null in the array")
		default:
			s.fill(i, &t.fill)
			s.hole(i)
			b.markFilled(n)
		}
		return end, misfit{}
	}
	if !element {
		return p, misfit{valueWords(data[p]) + " in place of an array", p}
	}
	end, why := b.scalar(data, p, s, t, i)
	if why != "" {
		why += " in the array"
	}
	return end, misfit{why, p}
}

// open passes the bracket at p, which opens the depth-th container. It gives the
// position of the first value or of the closing bracket.
func (b *Batch) open(data []byte, p, depth int) int {
	if depth > maxDepth {
		return b.fault.at(p, "nested deeper than 128 levels")
	}
	if p = skipSpace(data, p+1); p >= len(data) {
		return b.fault.unexpected(data, p, `a value or "]"`)
	}
	return p
}

// next passes the comma after an array's value. It gives the position of the
// next value or of the closing bracket.
func (b *Batch) next(data []byte, p int) int {
	p = skipSpace(data, p)
	switch {
	case p < len(data) && data[p] == ']':
		return p
	case p >= len(data) || data[p] != ',':
		return b.fault.unexpected(data, p, `"," or "]"`)
	}
	if p = skipSpace(data, p+1); p >= len(data) || data[p] == ']' {
		return b.fault.unexpected(data, p, "a value")
	}
	return p
}
