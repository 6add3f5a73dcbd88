package eventfile

import (
	"math"
	"strconv"

	"github.com/penstock/penstock/inference"
)

// appendRowJSON writes a row as a JSON object with its dotted column names as
// keys.
func appendRowJSON(dst []byte, names []string, cells []inference.Cell) []byte {
	dst = append(dst, '{')
	for i := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, names[i])
		dst = append(dst, ':')
		dst = appendCellJSON(dst, &cells[i])
	}
	return append(dst, '}')
}

// appendCellJSON writes a cell as a JSON value; a number that is not finite
// has none and is written null.
func appendCellJSON(dst []byte, c *inference.Cell) []byte {
	switch c.Kind {
	case inference.CellText, inference.CellString:
		return appendQuoted(dst, string(c.Bytes))
	case inference.CellJSON:
		return append(dst, c.Bytes...)
	case inference.CellInt:
		return strconv.AppendInt(dst, c.Int, 10)
	case inference.CellUint:
		return strconv.AppendUint(dst, uint64(c.Int), 10)
	case inference.CellBool:
		return strconv.AppendBool(dst, c.Int != 0)
	case inference.CellFloat:
		if !math.IsNaN(c.Float) && !math.IsInf(c.Float, 0) {
			return strconv.AppendFloat(dst, c.Float, 'g', -1, 64)
		}
	}
	return append(dst, "null"...)
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes a JSON string. Bytes that are not UTF-8 stay as they
// are, so that whoever reads the text can tell that they were not.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}
