package cli

import (
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
// keys that are not named there do not count. Numbers may differ by tolerance,
// absolute and relative to the expected one; all else must be equal. Both are
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

// numberDifference takes equal digits first: float64 cannot tell large
// integers apart.
func numberDifference(path string, want, got json.Number, tolerance float64) []difference {
	if want == got {
		return nil
	}
	w, errWant := strconv.ParseFloat(string(want), 64)
	g, errGot := strconv.ParseFloat(string(got), 64)
	off := math.Abs(w - g)
	if errWant == nil && errGot == nil && off <= tolerance+tolerance*math.Abs(w) {
		return nil
	}
	return []difference{{path, fmt.Sprintf("expected %s, got %s (off by %.3g, tolerance %g)", want, got, off, tolerance)}}
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
