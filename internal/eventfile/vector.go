package eventfile

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/penstock/penstock/inference"
)

// Reading is what a column's values are read as.
type Reading uint8

// The readings.
const (
	AsNumbers Reading = iota
	AsTexts
	AsTimes
)

// State tells what became of one value.
type State uint8

// The states of values.
const (
	Present    State = iota
	Absent           // null or an empty cell; in CSV, for numbers, nan too
	Unreadable       // there, and not what it was to be read as
)

// Vector is a column's values in the rows of one frame.
type Vector struct {
	States []State
	Whole  bool      // all are Present
	Values []float64 // AsNumbers, one a row; 0 where there is none
	Times  []int64   // AsTimes, Unix milliseconds, one a row

	as   Reading
	zone *time.Location
	text []byte
	ends []int // of the rows' texts within text
}

func (v *Vector) reset(as Reading, rows int, zone *time.Location) {
	v.as, v.zone, v.Whole = as, zone, true
	v.States, v.Values, v.Times = v.States[:0], v.Values[:0], v.Times[:0]
	v.text, v.ends = v.text[:0], v.ends[:0]
	if cap(v.States) < rows {
		v.States = make([]State, 0, rows)
	}
}

// Text is a row's text, empty where there is none. It is valid until the Vector
// is filled again.
func (v *Vector) Text(row int) []byte {
	from := 0
	if row > 0 {
		from = v.ends[row-1]
	}
	return v.text[from:v.ends[row]]
}

// add appends the value of a cell.
func (v *Vector) add(c *inference.Cell) {
	state := Absent
	switch v.as {
	case AsNumbers:
		var number float64
		number, state = numberOf(c)
		v.Values = append(v.Values, number)
	case AsTexts:
		if c.Kind != inference.CellNull {
			state = Present
			v.text = appendCellText(v.text, c)
		}
		v.ends = append(v.ends, len(v.text))
	case AsTimes:
		var at int64
		at, state = timeOf(c, v.zone)
		v.Times = append(v.Times, at)
	}
	v.state(state)
}

// addTime appends a time that needs no reading.
func (v *Vector) addTime(unixMilli int64) {
	at, state := inRange(unixMilli)
	v.Times = append(v.Times, at)
	v.state(state)
}

func (v *Vector) state(s State) {
	v.States = append(v.States, s)
	v.Whole = v.Whole && s == Present
}

func numberOf(c *inference.Cell) (float64, State) {
	switch c.Kind {
	case inference.CellNull:
		return 0, Absent
	case inference.CellFloat:
		return c.Float, Present
	case inference.CellInt, inference.CellBool:
		return float64(c.Int), Present
	case inference.CellUint:
		return float64(uint64(c.Int)), Present
	case inference.CellText, inference.CellJSON: // decimals are JSON
		switch number, missing, ok := inference.LooseNumber(c.Bytes); {
		case !ok:
			return 0, Unreadable
		case missing:
			return 0, Absent
		default:
			return number, Present
		}
	}
	return 0, Unreadable
}

func appendCellText(dst []byte, c *inference.Cell) []byte {
	switch c.Kind {
	case inference.CellBool:
		return strconv.AppendBool(dst, c.Int != 0)
	case inference.CellInt:
		return strconv.AppendInt(dst, c.Int, 10)
	case inference.CellUint:
		return strconv.AppendUint(dst, uint64(c.Int), 10)
	case inference.CellFloat:
		return strconv.AppendFloat(dst, c.Float, 'g', -1, 64)
	}
	return append(dst, c.Bytes...)
}

// timeOf reads a cell as a time, Unix milliseconds.
func timeOf(c *inference.Cell, zone *time.Location) (int64, State) {
	text := c.Bytes
	switch c.Kind {
	case inference.CellNull:
		return 0, Absent
	case inference.CellInt, inference.CellUint, inference.CellFloat:
		if c.Kind == inference.CellFloat && math.IsNaN(c.Float) {
			return 0, Absent
		}
		var digits [32]byte
		text = appendPlainNumber(digits[:0], c)
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return 0, Absent
	}
	if at, ok := readLocal(text, zone); ok {
		return inRange(at)
	}
	nanos, ok := inference.ReadTime(text)
	if !ok {
		return 0, Unreadable
	}
	return floorMilli(nanos), Present
}

// inRange gives a time that events can have: one whose nanoseconds since 1970 are
// an int64, from 1677 to 2262. What tables have for never or for ever, the years 1
// and 9999, is none.
func inRange(unixMilli int64) (int64, State) {
	const milli = int64(time.Millisecond)
	if unixMilli < math.MinInt64/milli || unixMilli > math.MaxInt64/milli {
		return 0, Unreadable
	}
	return unixMilli, Present
}

// appendPlainNumber writes a number without an exponent, since its digits tell
// an epoch's unit.
func appendPlainNumber(dst []byte, c *inference.Cell) []byte {
	if c.Kind == inference.CellFloat {
		return strconv.AppendFloat(dst, c.Float, 'f', -1, 64)
	}
	return appendCellText(dst, c)
}

func floorMilli(nanos int64) int64 { return time.Unix(0, nanos).UnixMilli() }

// readLocal reads 2006-01-02[ 15:04:05[.fff]], also with a T between, as a time
// in zone.
func readLocal(text []byte, zone *time.Location) (unixMilli int64, ok bool) {
	const day, second = len(time.DateOnly), len(time.DateTime)
	if len(text) != day && len(text) < second || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	var clock [3]int
	nanos := 0
	if len(text) >= second {
		if text[day] != ' ' && text[day] != 'T' || text[13] != ':' || text[16] != ':' {
			return 0, false
		}
		for i := range clock {
			if clock[i], ok = digits(text[day+1+3*i : day+3+3*i]); !ok {
				return 0, false
			}
		}
		if nanos, ok = fraction(text[second:]); !ok {
			return 0, false
		}
	}
	year, ok1 := digits(text[:4])
	month, ok2 := digits(text[5:7])
	dayOf, ok3 := digits(text[8:10])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return 0, false
	}
	date := time.Date(year, time.Month(month), dayOf, clock[0], clock[1], clock[2], nanos, zone)
	if dayOf < 1 || dayOf > 31 || dayOf > 28 && time.Date(year, time.Month(month), dayOf, 0, 0, 0, 0, time.UTC).Day() != dayOf {
		return 0, false
	}
	return date.UnixMilli(), true
}

// digits reads a number that has nothing but digits.
func digits(text []byte) (n int, ok bool) {
	for _, c := range text {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(text) > 0
}

// fraction reads .123 as nanoseconds, nothing as 0.
func fraction(text []byte) (nanos int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != '.' || len(text) == 1 || len(text) > 10 {
		return 0, false
	}
	nanos, ok = digits(text[1:])
	for range 10 - len(text) {
		nanos *= 10
	}
	return nanos, ok
}
