package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// difference is one place where a prediction is not what was expected.
type difference struct {
	path string // outputs.probabilities[1]
	text string
}

func (d difference) String() string { return d.path + ": " + d.text }

// differences compares a prediction with the part of one that is expected:
// keys that are not named there do not count. Numbers that are not both integers
// may differ by tolerance, absolute plus relative to the expected one; all else
// must be equal. Both are
// JSON as decoded with UseNumber.
func differences(path string, want, got any, tolerance float64) []difference {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return objectDifferences(path, want, got, tolerance)
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			var all []difference
			for i := range want {
				all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), want[i], got[i], tolerance)...)
			}
			return all
		} else if ok {
			return []difference{{path, fmt.Sprintf("expected %d values, got %d", len(want), len(got))}}
		}
	case json.Number:
		if got, ok := got.(json.Number); ok {
			return numberDifference(path, want, got, tolerance)
		}
	default: // strings, booleans and null
		if want == got {
			return nil
		}
	}
	return []difference{{path, fmt.Sprintf("expected %s, got %s", short(want), short(got))}}
}

func objectDifferences(path string, want, got map[string]any, tolerance float64) []difference {
	var all []difference
	for _, key := range sortedKeys(want) {
		at := joinPath(path, key)
		value, ok := got[key]
		if !ok {
			all = append(all, difference{at, fmt.Sprintf("expected %s, but the prediction has only %s",
				short(want[key]), strings.Join(sortedKeys(got), ", "))})
			continue
		}
		all = append(all, differences(at, want[key], value, tolerance)...)
	}
	return all
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// numberDifference holds integers to each other digit by digit: a label of
// 20001 is none of 20000, and float64 cannot tell large ones apart. The
// tolerance is for numbers of which one at least has a fraction or an exponent.
func numberDifference(path string, want, got json.Number, tolerance float64) []difference {
	if canonical(want) == canonical(got) {
		return nil
	}
	text := fmt.Sprintf("expected %s, got %s", want, got)
	w, errWant := strconv.ParseFloat(string(want), 64)
	g, errGot := strconv.ParseFloat(string(got), 64)
	if errWant != nil || errGot != nil { // beyond what float64 holds
		return []difference{{path, text}}
	}
	off := math.Abs(w - g)
	within := tolerance > 0 && off <= tolerance+tolerance*math.Abs(w)
	switch integers := isInteger(want) && isInteger(got); {
	case within && !integers:
		return nil
	case within:
		text += fmt.Sprintf(" (integers must be equal; write %s.0 to allow for the tolerance)", want)
	case !integers:
		text += fmt.Sprintf(" (off by %.3g, tolerance %g)", off, tolerance)
	}
	return []difference{{path, text}}
}

func isInteger(n json.Number) bool { return !strings.ContainsAny(string(n), ".eE") }

// canonical writes a number so that equal ones are equal texts, whatever their
// size: digits without zeros around them, and a power of ten.
func canonical(n json.Number) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(n)), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	power, err := strconv.ParseInt(cmp.Or(exponent, "0"), 10, 32)
	if err != nil { // so large a one is only equal to itself
		return string(n)
	}
	significant := strings.TrimRight(digits, "0")
	power += int64(len(digits) - len(significant) - len(fraction))
	if negative {
		significant = "-" + significant
	}
	return significant + "e" + strconv.FormatInt(power, 10)
}

// shortLength is where a value in a message is cut.
const shortLength = 80

func short(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > shortLength {
		return string(text[:shortLength]) + "…"
	}
	return string(text)
}
