package inference

import (
	"math"
	"slices"
	"strconv"
	"unsafe"
)

// Feature is a field of the event as the model is given it: what is counted of a
// row besides the prediction.
type Feature struct {
	Name string // the field's path, as it was written
	Type ElementType
	// Width is the number of elements: 1, or more where an array fills a row.
	// 0 is an array of any length, of which that length is what is counted.
	Width int

	node, input, column int
}

// Features are all fields that fill the model's inputs, in the inputs' order. A
// field that fills several is the first one's.
func (p *Plan) Features() []Feature {
	var all []Feature
	seen := make([]bool, len(p.nodes))
	for i := range p.inputs {
		in := &p.inputs[i]
		for column, node := range in.fields {
			if seen[node] {
				continue
			}
			seen[node] = true
			f := Feature{Name: p.nodes[node].name, Type: in.info.Type, Width: 1, node: node, input: i, column: column}
			switch in.layout {
			case arrayLayout:
				f.Width = in.width
			case raggedLayout:
				f.Width, f.Name = 0, f.Name+".length"
			}
			all = append(all, f)
		}
	}
	return all
}

// Elements takes a feature of several elements apart, each as one of its own.
func (f *Feature) Elements() []Feature {
	all := make([]Feature, f.Width)
	for i := range all {
		all[i] = *f
		all[i].Name, all[i].Width, all[i].column = f.Name+"["+strconv.Itoa(i)+"]", 1, i
	}
	return all
}

// IsText tells whether the feature's values are text.
func (f *Feature) IsText() bool { return f.Type == String && f.Width > 0 }

// IsMissing tells whether the event had no value for the feature, or none for a
// part of the array that it is of, whatever the model was given in its place.
func (b *Batch) IsMissing(f *Feature, row int) bool {
	n := &b.nodes[f.node]
	return b.anyFilled[row] && b.filled[row*b.words+n.word]&n.mask != 0
}

// AppendNumbers appends the values of the rows that have one, as the model was
// given them, to dst.
func (b *Batch) AppendNumbers(dst []float64, f *Feature, rows []int) []float64 {
	s := &b.stores[f.input]
	if f.Width > 0 && s.typ == Float32 { // by far the most
		return b.appendFloats(dst, f, rows)
	}
	for _, row := range rows {
		switch {
		case b.IsMissing(f, row):
		case f.Width == 0:
			_, count := s.row(row)
			dst = append(dst, float64(count))
		default:
			dst = append(dst, s.number(row*s.width+f.column))
		}
	}
	return dst
}

// appendFloats is AppendNumbers of an input of float32.
func (b *Batch) appendFloats(dst []float64, f *Feature, rows []int) []float64 {
	s, n := &b.stores[f.input], &b.nodes[f.node]
	column, width, word, mask := unsafe.Add(s.elements.base(), f.column*4), s.width*4, n.word, n.mask
	end := len(dst)
	dst = slices.Grow(dst, len(rows))[:end+len(rows)]
	for _, row := range rows {
		if b.anyFilled[row] && b.filled[row*b.words+word]&mask != 0 {
			continue
		}
		dst[end] = float64(*(*float32)(unsafe.Add(column, row*width)))
		end++
	}
	return dst[:end]
}

// AppendVector appends the elements of a row of a feature to dst.
func (b *Batch) AppendVector(dst []float32, f *Feature, row int) []float32 {
	s := &b.stores[f.input]
	first, count := s.row(row)
	for i := range count {
		dst = append(dst, float32(s.number(first+i)))
	}
	return dst
}

// AppendFeature appends a row's value as text.
func (b *Batch) AppendFeature(dst []byte, f *Feature, row int) []byte {
	s := &b.stores[f.input]
	at := row*s.width + f.column
	switch {
	case f.Width == 0:
		_, count := s.row(row)
		return strconv.AppendInt(dst, int64(count), 10)
	case s.typ == String:
		ref := (*TextRef)(s.at(at))
		return append(dst, s.text[ref.Start:ref.Start+ref.Length]...)
	case s.typ == Bool:
		return strconv.AppendBool(dst, s.number(at) != 0)
	case s.typ == Int64:
		return strconv.AppendInt(dst, *(*int64)(s.at(at)), 10)
	case s.typ == Uint64:
		return strconv.AppendUint(dst, *(*uint64)(s.at(at)), 10)
	case s.typ == Float64:
		return strconv.AppendFloat(dst, s.number(at), 'g', -1, 64)
	}
	return strconv.AppendFloat(dst, s.number(at), 'g', -1, 32)
}

// number is an element as float64: exact but for integers beyond 2^53.
func (s *store) number(i int) float64 {
	p := s.at(i)
	switch s.typ {
	case Float16:
		return float64(float16ToFloat32(*(*uint16)(p)))
	case Float32:
		return float64(*(*float32)(p))
	case Float64:
		return *(*float64)(p)
	case Int8:
		return float64(*(*int8)(p))
	case Int16:
		return float64(*(*int16)(p))
	case Int32:
		return float64(*(*int32)(p))
	case Int64:
		return float64(*(*int64)(p))
	case Uint8, Bool:
		return float64(*(*uint8)(p))
	case Uint16:
		return float64(*(*uint16)(p))
	case Uint32:
		return float64(*(*uint32)(p))
	case Uint64:
		return float64(*(*uint64)(p))
	}
	return math.NaN() // text has no number
}

// RejectedTime is the event time of the event that was rejected last, where it
// could be read before that.
func (b *Batch) RejectedTime() (unixNano int64, ok bool) {
	if b.row == b.maxRows {
		return 0, false
	}
	return b.times[b.row], b.timed[b.row]
}
