package inference

import (
	"strconv"
	"strings"
	"unsafe"
)

// ElementType is the type of a tensor's elements.
type ElementType uint8

// The element types that penstock maps events to and reads predictions from.
const (
	Invalid ElementType = iota
	Float16             // IEEE 754 binary16, kept as its bits in a uint16
	Float32
	Float64
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Bool // one byte, 0 or 1
	String
)

var elementNames = [...]string{
	"invalid", "float16", "float32", "float64", "int8", "int16", "int32", "int64",
	"uint8", "uint16", "uint32", "uint64", "bool", "string",
}

var elementSizes = [...]int{0, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 0}

func (t ElementType) String() string { return elementNames[t] }

// Size is the number of bytes of one element; 0 for String.
func (t ElementType) Size() int { return elementSizes[t] }

// Float tells whether t is a floating point type.
func (t ElementType) Float() bool { return t >= Float16 && t <= Float64 }

// Integer tells whether t is an integer type, signed or not.
func (t ElementType) Integer() bool { return t >= Int8 && t <= Uint64 }

// Dynamic marks an axis whose length the model leaves open.
const Dynamic int64 = -1

// TensorInfo describes one input or output as the model declares it. Declared
// output shapes lie (LightGBM's exporter writes [1] for [N]), so they are
// hints: nothing is ever allocated from them.
type TensorInfo struct {
	Name  string
	Type  ElementType
	Shape []int64 // Dynamic for an open axis; nil when the rank is unknown
	// Declared is the model's own name of a type that is Invalid here, with its
	// shape, such as bfloat16[N,4]; only for messages.
	Declared string
	// Map is true for a sequence of maps class → float32, one map a row
	// (ZipMap). Its tensor is [N,C] and its Keys name the columns.
	Map bool
	// Classes are the class labels of a classifier's scores in column order,
	// as text, where the model's graph tells them; nil otherwise.
	Classes []string
}

// String writes the type and shape as people write them: float32[N,20].
func (t TensorInfo) String() string {
	if t.Map {
		return "sequence of maps class to " + t.Type.String()
	}
	if t.Type == Invalid && t.Declared != "" {
		return t.Declared
	}
	var b strings.Builder
	b.WriteString(t.Type.String())
	if t.Shape == nil {
		return b.String() + "[?]"
	}
	b.WriteByte('[')
	for i, d := range t.Shape {
		if i > 0 {
			b.WriteByte(',')
		}
		switch {
		case d != Dynamic:
			b.WriteString(strconv.FormatInt(d, 10))
		case i == 0:
			b.WriteByte('N')
		default:
			b.WriteByte('?')
		}
	}
	b.WriteByte(']')
	return b.String()
}

// TextRef is one element of a string tensor: Text[Start : Start+Length].
type TextRef struct{ Start, Length uint32 }

// Tensor is a dense, row-major array that Go owns. Runners read and write it
// in place; its memory may be pinned while one holds it.
type Tensor struct {
	Type  ElementType
	Shape []int64
	// Data holds the elements in the machine's byte order, its first byte
	// aligned to the element's size; nil for String.
	Data []byte
	// Text and Refs hold a String tensor: Refs in element order, in any order
	// within Text. Bytes are kept as they are, NUL included.
	Text []byte
	Refs []TextRef
	// Keys are a map output's classes as text, one a column; nil otherwise.
	Keys []string
}

// Count is the number of elements that Shape asks for.
func (t *Tensor) Count() int {
	n := 1
	for _, d := range t.Shape {
		n *= int(d)
	}
	return n
}

// Resize sets the type and shape and makes room for the elements, using the
// memory that is there where it is large enough. Contents are undefined after.
func (t *Tensor) Resize(typ ElementType, shape ...int64) {
	t.Type = typ
	t.Shape = append(t.Shape[:0], shape...)
	n := t.Count()
	if typ == String {
		t.Data = nil
		if cap(t.Refs) < n {
			t.Refs = make([]TextRef, n)
		}
		t.Refs, t.Text = t.Refs[:n], t.Text[:0]
		return
	}
	bytes := n * typ.Size()
	if cap(t.Data) < bytes {
		words := make([]uint64, (bytes+7)/8) // words, so that every type is aligned
		t.Data = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
	}
	t.Data = t.Data[:bytes]
}

// clone copies t to memory of its own, and of its text only what elements have.
func (t *Tensor) clone() *Tensor {
	c := new(Tensor)
	c.Resize(t.Type, t.Shape...)
	copy(c.Data, t.Data)
	for i := range c.Refs {
		text := t.TextAt(i)
		c.Refs[i] = TextRef{Start: uint32(len(c.Text)), Length: uint32(len(text))}
		c.Text = append(c.Text, text...)
	}
	return c
}

// element is the address of the i-th element.
func (t *Tensor) element(i int) unsafe.Pointer {
	if t.Type == String {
		return unsafe.Pointer(&t.Refs[i])
	}
	return unsafe.Pointer(&t.Data[i*t.Type.Size()])
}

// Element are the Go types that a tensor's elements are read as.
type Element interface {
	~float32 | ~float64 | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Values views the elements of t as a slice of T, which must have the size of
// t's element type. The view is valid until t is resized.
func Values[T Element](t *Tensor) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.Data))), len(t.Data)/int(unsafe.Sizeof(zero)))
}

// TextAt is the i-th element of a String tensor; it is valid until t changes.
func (t *Tensor) TextAt(i int) []byte {
	r := t.Refs[i]
	return t.Text[r.Start : r.Start+r.Length]
}
