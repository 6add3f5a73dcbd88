package inference

import "unsafe"

// store holds one input's decoded rows.
//
// An input of fixed width lies as the runtime wants it, row after row, in
// memory that never moves, so that slices of the batch are windows into it. A
// ragged input's elements lie end to end and are laid out for each run (see
// ragged.go), so that one long row does not widen the runs that it is no part of.
type store struct {
	in    *plannedInput
	typ   ElementType
	size  int // bytes of an element as kept here
	width int // elements in a row, 0 for ragged

	elements memory
	starts   []int // ragged: row r's elements are [starts[r], starts[r+1])

	text     []byte // strings: begins with the substitutes' texts
	textMark int    // end of the text of finished rows

	holes []int // elements of the row at hand that were filled; kept only for a mask
	masks bool  // some input is a mask of this one

	window, laid Tensor
}

// memory is aligned room for elements: numbers, or TextRefs, which hold no
// pointers either.
type memory struct{ words []uint64 }

func (m *memory) base() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.words)) }

// grow makes room for at least n bytes, keeping what is there.
func (m *memory) grow(n int) {
	if n <= len(m.words)*8 {
		return
	}
	words := make([]uint64, max((n+7)/8, 2*len(m.words)))
	copy(words, m.words)
	m.words = words
}

// elementBytes is what an element takes in a store.
func elementBytes(t ElementType) int {
	if t == String {
		return int(unsafe.Sizeof(TextRef{}))
	}
	return t.Size()
}

func (s *store) init(in *plannedInput, maxRows int) {
	s.in, s.typ, s.width = in, in.info.Type, in.width
	if s.size = elementBytes(s.typ); s.typ == String {
		s.text = append(s.text, in.texts...)
	}
	if in.layout == raggedLayout {
		s.starts = make([]int, maxRows+1)
	} else {
		s.elements.grow(maxRows * s.width * s.size)
	}
	s.reset()
	shape := []int64{0}
	for _, d := range in.dims {
		shape = append(shape, int64(d))
	}
	s.window = Tensor{Type: s.typ, Shape: shape}
}

func (s *store) reset() {
	s.text = s.text[:len(s.in.texts)]
	s.textMark = len(s.text)
}

// at is the address of the i-th element.
func (s *store) at(i int) unsafe.Pointer { return unsafe.Add(s.elements.base(), i*s.size) }

// room makes sure that ragged element i can be written.
func (s *store) room(i int) {
	if (i+1)*s.size > len(s.elements.words)*8 {
		s.elements.grow((i + 1) * s.size)
	}
}

// fill writes a substitute to the i-th element.
func (s *store) fill(i int, f *substitute) {
	size := s.size
	if s.typ == String {
		size = 0
	}
	f.put(s.at(i), size)
}

// hole notes that the i-th element was filled, for masks.
func (s *store) hole(i int) {
	if s.masks {
		s.holes = append(s.holes, i)
	}
}

// addText makes the text appended since from the i-th element.
func (s *store) addText(i, from int) {
	*(*TextRef)(s.at(i)) = TextRef{Start: uint32(from), Length: uint32(len(s.text) - from)}
}

// row gives the first element of a row and how many it has.
func (s *store) row(r int) (first, count int) {
	if s.in.layout == raggedLayout {
		return s.starts[r], s.starts[r+1] - s.starts[r]
	}
	return r * s.width, s.width
}

// tensor lays rows lo to hi-1 out as the model's input.
func (s *store) tensor(lo, hi, rows int) *Tensor {
	if s.in.layout != raggedLayout && rows == hi-lo {
		s.window.Shape[0] = int64(rows)
		first, count := lo*s.width, rows*s.width
		if s.typ == String {
			s.window.Refs = unsafe.Slice((*TextRef)(s.at(first)), count)
			s.window.Text = s.text
		} else {
			s.window.Data = unsafe.Slice((*byte)(s.at(first)), count*s.size)
		}
		return &s.window
	}
	t, width := &s.laid, s.width
	if s.in.layout == raggedLayout {
		width = 1
		for r := lo; r < hi; r++ {
			width = max(width, s.starts[r+1]-s.starts[r])
		}
		t.Resize(s.typ, int64(rows), int64(width))
	} else {
		s.window.Shape[0] = int64(rows)
		t.Resize(s.typ, s.window.Shape...)
	}
	s.copyRows(t, lo, hi, rows, width)
	return t
}

// copyRows fills t with rows lo to hi-1, the last one again until there are
// rows, each padded to width.
func (s *store) copyRows(t *Tensor, lo, hi, rows, width int) {
	var dst unsafe.Pointer
	if s.typ == String {
		t.Text = s.text // as a window does
		dst = unsafe.Pointer(unsafe.SliceData(t.Refs))
	} else {
		dst = unsafe.Pointer(unsafe.SliceData(t.Data))
	}
	size := s.size
	if s.typ == String {
		size = 0
	}
	for r := range rows {
		first, count := s.row(min(lo+r, hi-1))
		to := unsafe.Slice((*byte)(unsafe.Add(dst, r*width*s.size)), width*s.size)
		if count > 0 {
			copy(to, unsafe.Slice((*byte)(s.at(first)), count*s.size))
		}
		for i := count; i < width; i++ {
			s.in.pad.put(unsafe.Pointer(&to[i*s.size]), size)
		}
	}
}
