package onnx

// #include "ort.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unsafe"

	"github.com/penstock/penstock/inference"
)

// read copies output o of the last run into t, in the shape that the runtime
// gave it: what the model declares is not to be relied on.
func (r *Runner) read(o *output, t *inference.Tensor) error {
	place := r.asked.places[o.source]
	c := &r.out[place]
	t.Keys = nil
	if c.kind == C.ONNX_TYPE_SEQUENCE {
		return r.readMaps(place, t)
	}
	typ := elementType(c._type)
	if c.kind != C.ONNX_TYPE_TENSOR || typ == inference.Invalid {
		return fmt.Errorf("the runtime gave %s of type %s", foreignKind(c.kind), foreignType(c._type))
	}
	t.Resize(typ, dims(c)...)
	if typ == inference.String {
		return r.readText(place, t)
	}
	if o.cut {
		if err := addKeys(t, o.Classes); err != nil {
			return err
		}
	}
	switch {
	case len(t.Data) == 0:
	case o.columns != nil:
		o.copyColumns(t, unsafe.Slice((*float32)(c.data), t.Count()))
	default:
		copy(t.Data, unsafe.Slice((*byte)(c.data), len(t.Data)))
	}
	return nil
}

// dims views an output's shape; it holds until the next run.
func dims(c *C.ps_output) []int64 {
	return unsafe.Slice((*int64)(unsafe.Pointer(c.dims)), int(c.rank))
}

// readText copies the strings of output i into t, which has its shape already.
func (r *Runner) readText(i int, t *inference.Tensor) error {
	t.Text = slices.Grow(t.Text[:0], int(r.out[i].text_bytes))[:r.out[i].text_bytes]
	return statusError(r.model.api, C.ps_text(r.c, C.size_t(i), textPointer(t), C.size_t(len(t.Text)), refPointer(t), C.size_t(len(t.Refs))))
}

func textPointer(t *inference.Tensor) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(t.Text)))
}

func refPointer(t *inference.Tensor) *C.ps_ref {
	return (*C.ps_ref)(unsafe.Pointer(unsafe.SliceData(t.Refs)))
}

// readMaps turns a sequence of maps, one a row, into a matrix with keys. It
// costs several allocations of the runtime's a row; models go without where
// their ZipMap can be cut.
func (r *Runner) readMaps(i int, t *inference.Tensor) error {
	if err := r.readFirstMap(i); err != nil || r.c.rows == 0 {
		t.Resize(inference.Float32, 0, 0)
		return err
	}
	if err := r.copyMaps(i, t); err != nil {
		return err
	}
	keys, err := r.readKeys(i)
	t.Keys = keys
	return err
}

// readFirstMap finds the number of output i's maps and the keys of the first.
func (r *Runner) readFirstMap(i int) error {
	return statusError(r.model.api, C.ps_first_map(r.c, C.size_t(i)))
}

// copyMaps copies the values of output i's maps, whose keys must be the first
// one's.
func (r *Runner) copyMaps(i int, t *inference.Tensor) error {
	t.Resize(inference.Float32, int64(r.c.rows), int64(r.c.columns))
	values := (*C.float)(unsafe.Pointer(unsafe.SliceData(t.Data)))
	return statusError(r.model.api, C.ps_maps(r.c, C.size_t(i), values))
}

// classKeys are the keys of an output's maps, remembered because they are the
// same in every run.
type classKeys struct {
	ints []int64
	text inference.Tensor
	keys []string
}

// readKeys gives the keys of the last first map as text.
func (r *Runner) readKeys(i int) ([]string, error) {
	k, first, columns := &r.keys[i], &r.c.first, int(r.c.columns)
	switch elementType(first._type) {
	case inference.Int64:
		ints := unsafe.Slice((*int64)(first.data), columns)
		if k.keys == nil || !slices.Equal(ints, k.ints) {
			k.ints = append(k.ints[:0], ints...)
			k.keys = make([]string, columns)
			for j, n := range ints {
				k.keys[j] = strconv.FormatInt(n, 10)
			}
		}
		return k.keys, nil
	case inference.String:
		t := &k.text
		t.Resize(inference.String, int64(columns))
		t.Text = slices.Grow(t.Text, int(first.text_bytes))[:first.text_bytes]
		err := statusError(r.model.api, C.ps_key_text(r.c, textPointer(t), C.size_t(len(t.Text)), refPointer(t), C.size_t(columns)))
		if err != nil {
			return nil, err
		}
		if !sameText(k.keys, t) {
			k.keys = make([]string, columns)
			for j := range k.keys {
				k.keys[j] = string(t.TextAt(j))
			}
		}
		return k.keys, nil
	}
	return nil, errors.New("the keys of its maps are neither int64 nor strings")
}

// sameText tells whether the elements of t are those of texts.
func sameText(texts []string, t *inference.Tensor) bool {
	if len(texts) != len(t.Refs) {
		return false
	}
	for i, text := range texts {
		if text != string(t.TextAt(i)) {
			return false
		}
	}
	return true
}
