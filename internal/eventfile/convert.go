package eventfile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
	"github.com/penstock/penstock/inference"
)

// converter makes a cell of a present value. Text that the cell refers to is
// appended to text, which is returned.
type converter func(cell *inference.Cell, v parquet.Value, text []byte) []byte

// converterOf picks the converter for a leaf: by its logical type where that
// changes the meaning, else by its physical one. Dates, times and timestamps
// become text (RFC 3339; a timestamp without a zone counts as UTC), decimals
// numbers with all their digits.
func converterOf(t parquet.Type, e format.SchemaElement) converter {
	if e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Interval {
		return textual(appendInterval)
	}
	if c := logicalConverter(logicalType(t, e), t.Kind()); c != nil {
		return c
	}
	return physicalConverter(t.Kind())
}

// leafKind is what a leaf's values are as a column of a table.
func leafKind(t parquet.Type, e format.SchemaElement) ColumnKind {
	switch logicalType(t, e).(type) {
	case *format.IntType, *format.DecimalType, *format.Float16Type, *format.NullType:
		return NumberColumn
	case *format.JsonType, *format.BsonType, *format.GeometryType, *format.GeographyType:
		return NestedColumn
	case nil:
		switch t.Kind() {
		case parquet.Int32, parquet.Int64, parquet.Float, parquet.Double:
			return NumberColumn
		}
	}
	return TextColumn
}

// logicalType is a leaf's, nil without one. Some the library tells of the schema's
// element alone, others, those of older files, of the type.
func logicalType(t parquet.Type, e format.SchemaElement) format.LogicalTypeValue {
	if e.LogicalType.Value != nil {
		return e.LogicalType.Value
	}
	if logical := t.LogicalType(); logical != nil {
		return logical.Value
	}
	return nil
}

func logicalConverter(logical format.LogicalTypeValue, kind parquet.Kind) converter {
	switch l := logical.(type) {
	case *format.IntType:
		if !l.IsSigned {
			return unsignedConverter(kind)
		}
	case *format.Float16Type:
		return textless(func(c *inference.Cell, v parquet.Value) {
			c.Kind, c.Float = inference.CellFloat, float16(binary.LittleEndian.Uint16(v.ByteArray()))
		})
	case *format.DecimalType:
		return decimalConverter(int(l.Scale))
	case *format.DateType:
		return textual(func(dst []byte, v parquet.Value) []byte {
			return time.Unix(int64(v.Int32())*86400, 0).UTC().AppendFormat(dst, time.DateOnly)
		})
	case *format.TimestampType:
		unit := l.Unit.Value.Duration()
		return textual(func(dst []byte, v parquet.Value) []byte { return appendTime(dst, v.Int64(), unit) })
	case *format.TimeType:
		unit := l.Unit.Value.Duration()
		return textual(func(dst []byte, v parquet.Value) []byte {
			since := time.Duration(integer(v)) * unit
			return time.Time{}.Add(since).AppendFormat(dst, "15:04:05.999999999")
		})
	case *format.UUIDType:
		return textual(appendUUID)
	case *format.JsonType:
		return kindOf(inference.CellJSON)
	}
	return nil
}

func physicalConverter(kind parquet.Kind) converter {
	switch kind {
	case parquet.Boolean:
		return textless(func(c *inference.Cell, v parquet.Value) {
			c.Kind = inference.CellBool
			if v.Boolean() {
				c.Int = 1
			}
		})
	case parquet.Int32, parquet.Int64:
		return textless(func(c *inference.Cell, v parquet.Value) { c.Kind, c.Int = inference.CellInt, integer(v) })
	case parquet.Int96:
		return textual(appendInt96)
	case parquet.Float:
		return textless(func(c *inference.Cell, v parquet.Value) {
			c.Kind, c.Float = inference.CellFloat, float64(v.Float())
		})
	case parquet.Double:
		return textless(func(c *inference.Cell, v parquet.Value) { c.Kind, c.Float = inference.CellFloat, v.Double() })
	}
	return kindOf(inference.CellString)
}

func unsignedConverter(kind parquet.Kind) converter {
	return textless(func(c *inference.Cell, v parquet.Value) {
		c.Kind = inference.CellUint
		if kind == parquet.Int32 {
			c.Int = int64(v.Uint32())
		} else {
			c.Int = v.Int64()
		}
	})
}

// textless makes a converter of a function that needs no text.
func textless(set func(*inference.Cell, parquet.Value)) converter {
	return func(cell *inference.Cell, v parquet.Value, text []byte) []byte {
		set(cell, v)
		return text
	}
}

// textual makes a converter of a function that writes the cell's text.
func textual(write func([]byte, parquet.Value) []byte) converter {
	return written(inference.CellString, write)
}

// kindOf makes a converter that takes the bytes as they are.
func kindOf(kind inference.CellKind) converter {
	return written(kind, func(dst []byte, v parquet.Value) []byte { return append(dst, v.ByteArray()...) })
}

func written(kind inference.CellKind, write func([]byte, parquet.Value) []byte) converter {
	return func(cell *inference.Cell, v parquet.Value, text []byte) []byte {
		begin := len(text)
		text = write(text, v)
		cell.Kind, cell.Bytes = kind, text[begin:len(text):len(text)]
		return text
	}
}

func integer(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

func appendTime(dst []byte, units int64, unit time.Duration) []byte {
	perSecond := int64(time.Second / unit)
	seconds, rest := units/perSecond, units%perSecond
	return time.Unix(seconds, rest*int64(unit)).UTC().AppendFormat(dst, time.RFC3339Nano)
}

// julianEpoch is the Julian day of 1970-01-01, from which Int96 timestamps
// count their days.
const julianEpoch = 2440588

func appendInt96(dst []byte, v parquet.Value) []byte {
	t := v.Int96()
	nanos := int64(t[1])<<32 | int64(t[0])
	return time.Unix((int64(t[2])-julianEpoch)*86400, nanos).UTC().AppendFormat(dst, time.RFC3339Nano)
}

func appendUUID(dst []byte, v parquet.Value) []byte {
	b := v.ByteArray()
	for i, n := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[:n])
		b = b[n:]
	}
	return dst
}

// appendInterval writes months, days and milliseconds as an ISO 8601 duration.
func appendInterval(dst []byte, v parquet.Value) []byte {
	b := v.ByteArray()
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	return fmt.Appendf(dst, "P%dM%dDT%d.%03dS", word(0), word(1), word(2)/1000, word(2)%1000)
}

// decimalConverter writes unscaled × 10^-scale as a JSON number.
func decimalConverter(scale int) converter {
	return written(inference.CellJSON, func(dst []byte, v parquet.Value) []byte {
		switch v.Kind() {
		case parquet.Int32, parquet.Int64:
			return appendDecimal(dst, strconv.FormatInt(integer(v), 10), scale)
		}
		b := v.ByteArray()
		unscaled := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 { // two's complement
			unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return appendDecimal(dst, unscaled.String(), scale)
	})
}

func appendDecimal(dst []byte, digits string, scale int) []byte {
	if digits[0] == '-' {
		dst = append(dst, '-')
		digits = digits[1:]
	}
	if scale <= 0 {
		dst = append(dst, digits...)
		if scale < 0 {
			dst = append(dst, 'e')
			dst = strconv.AppendInt(dst, int64(-scale), 10)
		}
		return dst
	}
	point := len(digits) - scale
	if point <= 0 {
		dst = append(dst, "0."...)
		for range -point {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:point]...)
	dst = append(dst, '.')
	return append(dst, digits[point:]...)
}

// float16 widens an IEEE 754 binary16.
func float16(bits uint16) float64 {
	sign, exponent, fraction := bits>>15, int(bits>>10&31), float64(bits&1023)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		f = math.Inf(1)
		if fraction != 0 {
			return math.NaN()
		}
	default:
		f = math.Ldexp(1024+fraction, exponent-25)
	}
	if sign != 0 {
		return -f
	}
	return f
}
