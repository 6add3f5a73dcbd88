package onnxfile

import "github.com/penstock/penstock/inference"

// Element types of TensorProto.DataType that the walk treats by name.
const (
	onnxFloat     = 1
	onnxInt64     = 7
	onnxString    = 8
	onnxComplex64 = 14
	onnxLast      = 26 // beyond, how values are packed is not known here
)

// locationExternal is the TensorProto.DataLocation of data in another file.
const locationExternal = 1

// elementType is one of TensorProto.DataType.
type elementType struct {
	name    string
	element inference.ElementType // Invalid where penstock does not map it
	bits    uint64                // of one value in raw_data; 0 for strings
	data    dataField             // where values stand that are not in raw_data
}

// dataField is one of the typed fields of a TensorProto.
type dataField uint8

const (
	noField dataField = iota
	floatData
	int32Data
	stringData
	int64Data
	doubleData
	uint64Data
	dataFields
)

var elementTypes = [onnxLast + 1]elementType{
	{name: "undefined"},
	{"float", inference.Float32, 32, floatData},
	{"uint8", inference.Uint8, 8, int32Data},
	{"int8", inference.Int8, 8, int32Data},
	{"uint16", inference.Uint16, 16, int32Data},
	{"int16", inference.Int16, 16, int32Data},
	{"int32", inference.Int32, 32, int32Data},
	{"int64", inference.Int64, 64, int64Data},
	{"string", inference.String, 0, stringData},
	{"bool", inference.Bool, 8, int32Data},
	{"float16", inference.Float16, 16, int32Data},
	{"double", inference.Float64, 64, doubleData},
	{"uint32", inference.Uint32, 32, uint64Data},
	{"uint64", inference.Uint64, 64, uint64Data},
	{"complex64", inference.Invalid, 64, floatData},
	{"complex128", inference.Invalid, 128, doubleData},
	{"bfloat16", inference.Invalid, 16, int32Data},
	{"float8e4m3fn", inference.Invalid, 8, int32Data},
	{"float8e4m3fnuz", inference.Invalid, 8, int32Data},
	{"float8e5m2", inference.Invalid, 8, int32Data},
	{"float8e5m2fnuz", inference.Invalid, 8, int32Data},
	{"uint4", inference.Invalid, 4, int32Data},
	{"int4", inference.Invalid, 4, int32Data},
	{"float4e2m1", inference.Invalid, 4, int32Data},
	{"float8e8m0", inference.Invalid, 8, int32Data},
	{"uint2", inference.Invalid, 2, int32Data},
	{"int2", inference.Invalid, 2, int32Data},
}

// typeOf gives the element type of a number in the file; unknown ones come
// back as undefined.
func typeOf(n int32) elementType {
	if n < 0 || n > onnxLast {
		return elementTypes[0]
	}
	return elementTypes[n]
}

// values is how many entries of the typed data field n elements take: complex
// ones take two, those of less than a byte share one.
func (t elementType) values(n uint64) uint64 {
	switch {
	case t.bits > 0 && t.bits < 8:
		return t.bytes(n)
	case t.name == "complex64", t.name == "complex128":
		return 2 * n
	}
	return n
}

// bytes is how many bytes of raw_data n elements take.
func (t elementType) bytes(n uint64) uint64 { return (n*t.bits + 7) / 8 }
