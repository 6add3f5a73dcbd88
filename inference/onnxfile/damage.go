package onnxfile

import (
	"bytes"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// HeadSize is how many bytes of a file CheckHead looks at.
const HeadSize = 64

// CheckHead refuses a file by its first HeadSize bytes, or all where it has
// fewer, so that what is plainly no model need not be read. Parse does the
// same. An error is a *Refusal.
func CheckHead(b []byte) error {
	switch {
	case len(b) == 0:
		return refuse(Empty, "the file is empty; copy or export the model again")
	case bytes.HasPrefix(b, []byte("version https://git-lfs")):
		return refuse(NotONNX, "the file is a Git LFS pointer, not the model itself; run git lfs pull")
	case len(b) >= 8 && bytes.Equal(b[4:8], []byte("ORTM")):
		return refuse(NotONNX, "the file is in ONNX Runtime's own format (.ort), which only some of its builds read; give the .onnx file that it was made from")
	}
	m := read(b)
	m.next()
	if e, ok := errors.AsType[*wireError](m.err); ok && !e.short {
		return refuse(NotONNX, noModel, 0)
	}
	return nil
}

const noModel = "the file is no ONNX model: what stands at byte %d is not protobuf; check the path, or export the model again"

// brokenOff tells a model that was cut short from bytes that never were one:
// every exporter writes the IR version first, and then the fields of a model.
func (w *walk) brokenOff(b []byte, err error) error {
	e, ok := errors.AsType[*wireError](err)
	if !ok {
		return err
	}
	known := e.field <= modelOpset || e.field == modelMetadata || e.field == modelFunction
	if !e.short || !known || w.file.IRVersion <= 0 {
		return refuse(NotONNX, noModel, e.offset)
	}
	field, wire, n := protowire.ConsumeTag(b[e.offset:])
	if n > 0 && wire == protowire.BytesType {
		part := "a part"
		if field == modelGraph {
			part = "its graph"
		}
		if size, n := protowire.ConsumeVarint(b[e.offset+n:]); n > 0 {
			return refuse(Truncated, "the file is cut short: %s begins at byte %d and takes %d bytes, but the file ends at byte %d; copy or download it again",
				part, e.offset, size, len(b))
		}
	}
	return refuse(Truncated, "the file is cut short at byte %d; copy or download it again", len(b))
}
