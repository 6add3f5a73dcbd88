package inference

import "unsafe"

// Plan is the mapping from event fields to the model's inputs, compiled once at
// start. It is immutable and shared by all workers; each decodes into a Batch of
// its own.
type Plan struct {
	inputs     []plannedInput // in the model's order
	nodes      []plannedNode  // 0 is the event itself; parents come before children
	pass       []passedField  // those of predictions, then those that are watched
	shown      int            // how many of pass predictions have
	time       int            // the node of the event time, -1 when there is none
	staticRows int
}

// layout is how a row of an input is filled.
type layout uint8

const (
	columnsLayout layout = iota // one field an element: [N], [N,1], [N,F]
	arrayLayout                 // one array field a row, exactly of dims
	raggedLayout                // one array field a row, of any length
)

// plannedInput is one model input.
type plannedInput struct {
	info   TensorInfo
	layout layout
	dims   []int // of a row; empty for [N] and for ragged
	width  int   // elements in a row, 0 for ragged
	maskOf int   // the input whose presence this one tells, -1
	padded bool  // shorter arrays are filled up with pad
	pad    substitute
	fields []int  // the nodes that fill it, by column; one for arrays
	texts  []byte // texts of all its substitutes, which each Batch's text begins with
}

// substitute is an element that stands in for a missing one.
type substitute struct {
	bits uint64  // numbers and bools: the element as it lies in memory, from the first byte
	text TextRef // strings: where it is within texts
}

// put writes the substitute as an element of size bytes at dst; 0 is a string's.
func (f *substitute) put(dst unsafe.Pointer, size int) {
	bits := unsafe.Pointer(&f.bits)
	switch size {
	case 1:
		*(*uint8)(dst) = *(*uint8)(bits)
	case 2:
		*(*uint16)(dst) = *(*uint16)(bits)
	case 4:
		*(*uint32)(dst) = *(*uint32)(bits)
	case 8:
		*(*uint64)(dst) = f.bits
	default:
		*(*TextRef)(dst) = f.text
	}
}

// plannedNode is a place in events that a path leads to or through.
type plannedNode struct {
	path     path
	name     string // as the user wrote it, or canonical when nobody did
	children []int
	targets  []target
	needed   bool // a feature lies here or below: a parent of another type is the event's fault
}

type targetKind uint8

const (
	cellTarget  targetKind = iota // one element of a row
	arrayTarget                   // a whole row, fixed or ragged
	passTarget
	timeTarget
)

// target is what becomes of a field's value. One field may have several.
type target struct {
	kind   targetKind
	input  int // of the model, or the index of the passed field
	column int
	coerce bool
	policy MissingPolicy
	fill   substitute
}

func (t *target) feature() bool { return t.kind == cellTarget || t.kind == arrayTarget }

// passedField is a field that is copied to the prediction as it came.
type passedField struct {
	node int
	key  []byte // as JSON, with its quotes
}

// StaticRows is the model's fixed batch size, 0 when the batch axis is open.
func (p *Plan) StaticRows() int { return p.staticRows }

// one is the element 1 (or true) of a numeric or bool input.
func (in *plannedInput) one() (one substitute) {
	if in.info.Type != String {
		writeNumber(in.info.Type, unsafe.Pointer(&one.bits), 1)
	}
	return one
}
