package inference

import "strconv"

// appendOutput appends one row of an output, its batch axis dropped: [N] gives
// a value, [N,1] a list of one, [N,2,3] lists within a list. It tells whether
// all values were finite; those that are not stand as null.
func appendOutput(dst []byte, t *Tensor, row int) ([]byte, bool) {
	if len(t.Shape) < 2 {
		return appendElements(dst, t, row, row+1)
	}
	width := columns(t)
	return appendNested(dst, t, t.Shape[1:], row*width)
}

// appendNested appends the elements from `from` on as lists of the given
// dimensions.
func appendNested(dst []byte, t *Tensor, dims []int64, from int) ([]byte, bool) {
	finite := true
	dst = append(dst, '[')
	if len(dims) == 1 {
		dst, finite = appendElements(dst, t, from, from+int(dims[0]))
		return append(dst, ']'), finite
	}
	step := 1
	for _, d := range dims[1:] {
		step *= int(d)
	}
	for i := range int(dims[0]) {
		if i > 0 {
			dst = append(dst, ',')
		}
		ok := false
		dst, ok = appendNested(dst, t, dims[1:], from+i*step)
		finite = finite && ok
	}
	return append(dst, ']'), finite
}

// appendMap appends one row of a map output; keys are the JSON texts of its
// classes, each with its colon.
func appendMap(dst []byte, t *Tensor, keys []string, row int) ([]byte, bool) {
	finite := true
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, key...)
		at, ok := row*len(keys)+i, false
		dst, ok = appendElements(dst, t, at, at+1)
		finite = finite && ok
	}
	return append(dst, '}'), finite
}

// appendElements appends elements from..to-1 with commas between them and
// tells whether all were finite.
func appendElements(dst []byte, t *Tensor, from, to int) ([]byte, bool) {
	if from == to {
		return dst, true
	}
	finite, ok := true, true
	switch t.Type {
	case Float16:
		for _, bits := range Values[uint16](t)[from:to] {
			dst, ok = appendFloat32(dst, float16ToFloat32(bits))
			dst, finite = append(dst, ','), finite && ok
		}
	case Float32:
		for _, v := range Values[float32](t)[from:to] {
			dst, ok = appendFloat32(dst, v)
			dst, finite = append(dst, ','), finite && ok
		}
	case Float64:
		for _, v := range Values[float64](t)[from:to] {
			dst, ok = appendFloat64(dst, v)
			dst, finite = append(dst, ','), finite && ok
		}
	default:
		dst = appendExact(dst, t, from, to)
	}
	return dst[:len(dst)-1], finite
}

// appendExact appends the elements that lose nothing as text, each followed by
// a comma.
func appendExact(dst []byte, t *Tensor, from, to int) []byte {
	switch t.Type {
	case Int8:
		return appendSigned(dst, Values[int8](t)[from:to])
	case Int16:
		return appendSigned(dst, Values[int16](t)[from:to])
	case Int32:
		return appendSigned(dst, Values[int32](t)[from:to])
	case Int64:
		return appendSigned(dst, Values[int64](t)[from:to])
	case Uint8:
		return appendUnsigned(dst, Values[uint8](t)[from:to])
	case Uint16:
		return appendUnsigned(dst, Values[uint16](t)[from:to])
	case Uint32:
		return appendUnsigned(dst, Values[uint32](t)[from:to])
	case Uint64:
		return appendUnsigned(dst, Values[uint64](t)[from:to])
	case Bool:
		for _, v := range t.Data[from:to] {
			dst = append(strconv.AppendBool(dst, v != 0), ',')
		}
	case String:
		for i := from; i < to; i++ {
			dst = append(appendText(dst, t.TextAt(i)), ',')
		}
	}
	return dst
}

func appendSigned[T int8 | int16 | int32 | int64](dst []byte, values []T) []byte {
	for _, v := range values {
		dst = append(strconv.AppendInt(dst, int64(v), 10), ',')
	}
	return dst
}

func appendUnsigned[T uint8 | uint16 | uint32 | uint64](dst []byte, values []T) []byte {
	for _, v := range values {
		dst = append(strconv.AppendUint(dst, uint64(v), 10), ',')
	}
	return dst
}

// numberAt is one element as float64: exact but for integers beyond 2^53.
func numberAt(t *Tensor, i int) float64 {
	switch t.Type {
	case Float16:
		return float64(float16ToFloat32(Values[uint16](t)[i]))
	case Float32:
		return float64(Values[float32](t)[i])
	case Float64:
		return Values[float64](t)[i]
	case Int8:
		return float64(Values[int8](t)[i])
	case Int16:
		return float64(Values[int16](t)[i])
	case Int32:
		return float64(Values[int32](t)[i])
	case Int64:
		return float64(Values[int64](t)[i])
	case Uint8:
		return float64(Values[uint8](t)[i])
	case Uint16:
		return float64(Values[uint16](t)[i])
	case Uint32:
		return float64(Values[uint32](t)[i])
	default:
		return float64(Values[uint64](t)[i])
	}
}

// columns is the number of elements a row.
func columns(t *Tensor) int {
	n := 1
	for i, d := range t.Shape {
		if i > 0 {
			n *= int(d)
		}
	}
	return n
}
