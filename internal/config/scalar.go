package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Path is a file or folder; once read it is absolute, or relative to the
// working directory as the config file itself was.
type Path string

// Secret is text that must not be printed; only Reveal gives it.
type Secret string

const redacted = "[redacted]"

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret from fmt, and so does GoString.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText hides the secret from JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Bytes is a size: 50MiB, 10GiB, 1MB, or a plain number.
type Bytes int64

// String writes the size in the largest binary unit that leaves it whole.
func (b Bytes) String() string {
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	n, unit := int64(b), 0
	for n != 0 && n%1024 == 0 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + units[unit]
}

// Rate is so many a period: 1/month.
type Rate struct {
	Count float64
	Per   string // hour, day, week, month or year
}

func (r Rate) String() string { return strconv.FormatFloat(r.Count, 'f', -1, 64) + "/" + r.Per }

// Window is a stretch of event time: of a fixed length, or, with a Calendar
// unit (1d, 1w, 1mo), from one midnight to another in the drift part's zone.
type Window struct {
	Length   time.Duration // 0 for a calendar window
	Calendar string        // 1d, 1w, 1mo, or ""
}

func (w Window) String() string {
	if w.Calendar != "" {
		return w.Calendar
	}
	return durationText(w.Length)
}

// scalar reads and describes the values of one Go type.
type scalar struct {
	want    string                                         // completes "KEY must be …"
	read    func(text string, typ scalarType) (any, error) // the error's text is not shown
	types   []string                                       // what JSON calls it
	pattern string                                         // of its text, where that is more than any text
}

var errUnreadable = errors.New("unreadable")

const (
	durationPattern = `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	bytesPattern    = `^([0-9]+ ?B?|[0-9]+(\.[0-9]+)? ?[kKMGT]i?B?)$`
	ratePattern     = `^[0-9]+(\.[0-9]+)?/(hour|day|week|month|year)$`
)

// scalarOf tells how values of type t are read; ok is false when t is no
// scalar.
func scalarOf(t reflect.Type) (s scalar, ok bool) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return scalar{"a duration such as 250ms, 2s or 1m30s", reads(readDuration), []string{"string", "integer"}, durationPattern}, true
	case reflect.TypeFor[Bytes]():
		return scalar{"a size such as 50MiB or 10GiB", reads(readBytes), []string{"string", "integer"}, bytesPattern}, true
	case reflect.TypeFor[Rate]():
		return scalar{"a rate such as 1/month", reads(readRate), []string{"string"}, ratePattern}, true
	case reflect.TypeFor[Window]():
		return scalar{"a window such as 1h, 24h, 1d, 1w or 1mo", reads(readWindow), []string{"string"}, ""}, true
	}
	switch t.Kind() {
	case reflect.String:
		return scalar{"text", readText, []string{"string", "number"}, ""}, true
	case reflect.Bool:
		return scalar{"true or false", readBool, []string{"boolean"}, ""}, true
	case reflect.Int:
		return scalar{"a whole number", readInt, []string{"integer"}, ""}, true
	case reflect.Float64:
		return scalar{"a number", readFloat, []string{"number"}, ""}, true
	}
	return scalar{}, false
}

func reads[T any](read func(string) (T, error)) func(string, scalarType) (any, error) {
	return func(text string, _ scalarType) (any, error) { return read(text) }
}

// readText takes numbers as they are written, so that version: 1.10 stays
// 1.10. A bare true or false is refused: it is more likely a mistake.
func readText(text string, typ scalarType) (any, error) {
	if typ == boolType {
		return nil, errUnreadable
	}
	return text, nil
}

func readBool(text string, typ scalarType) (any, error) {
	if typ != boolType {
		return nil, errUnreadable
	}
	return strconv.ParseBool(text)
}

func readInt(text string, typ scalarType) (any, error) {
	if typ != intType {
		return nil, errUnreadable
	}
	i, err := parseInt(text)
	return int(i), err
}

func readFloat(text string, typ scalarType) (any, error) {
	if typ != intType && typ != floatType {
		return nil, errUnreadable
	}
	f, err := parseFloat(text)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errUnreadable
	}
	return f, err
}

func readDuration(text string) (time.Duration, error) { return time.ParseDuration(text) }

// durationText writes 1h0m0s as 1h.
func durationText(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "0s")
	if s == "" || !strings.HasSuffix(s, "m") {
		return d.String()
	}
	if trimmed := strings.TrimSuffix(s, "0m"); strings.HasSuffix(trimmed, "h") {
		return trimmed
	}
	return s
}

var (
	bytesText = regexp.MustCompile(bytesPattern)
	rateText  = regexp.MustCompile(ratePattern)
)

func readBytes(text string) (Bytes, error) {
	if !bytesText.MatchString(text) {
		return 0, errUnreadable
	}
	unitAt := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if unitAt < 0 {
		unitAt = len(text)
	}
	n, err := strconv.ParseFloat(text[:unitAt], 64)
	if err != nil {
		return 0, err
	}
	unit := strings.TrimSuffix(strings.TrimPrefix(text[unitAt:], " "), "B")
	base := 1000.0
	if strings.HasSuffix(unit, "i") {
		base = 1024
	}
	power := 0
	if unit != "" {
		power = strings.Index("KMGT", strings.ToUpper(unit[:1])) + 1
	}
	if n *= math.Pow(base, float64(power)); n > 1<<60 {
		return 0, fmt.Errorf("more than an exbibyte")
	}
	return Bytes(n), nil
}

func readRate(text string) (Rate, error) {
	count, per, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(count, 64)
	if err != nil || n == 0 || !rateText.MatchString(text) {
		return Rate{}, errUnreadable
	}
	return Rate{Count: n, Per: per}, nil
}

func readWindow(text string) (Window, error) {
	if text == "1d" || text == "1w" || text == "1mo" {
		return Window{Calendar: text}, nil
	}
	length, err := time.ParseDuration(text)
	if err == nil && length <= 0 {
		err = errUnreadable
	}
	return Window{Length: length}, err
}
