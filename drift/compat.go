package drift

import (
	"errors"
	"fmt"
)

// CompatTool is a tool whose own numbers Compat gives.
type CompatTool string

// The tools, and the versions that the golden values were made with.
const (
	Evidently CompatTool = "evidently" // 0.7.23
	NannyML   CompatTool = "nannyml"   // 0.13.1
	Deequ     CompatTool = "deequ"     // 2.0
)

// Column is a column's raw values: either Numbers or Texts. Neither is changed;
// numbers that ascend already are not sorted again.
type Column struct {
	Numbers []float64 // of a numeric column; NaN is a missing value
	Texts   []string  // of a categorical column, the missing left out
	Missing int       // rows without a value; Deequ counts them as a category
}

// Compat gives what the tool itself would compute of two columns, by its names:
// numbers to compare with those that a team is used to, not those that Compare
// decides on. What the tool does not compute is not there: for an empty column,
// say, or a histogram over an infinite range.
//
//   - NannyML: of numbers kolmogorov_smirnov, jensen_shannon, wasserstein and
//     hellinger; of texts chi2, jensen_shannon, l_infinity and hellinger.
//   - Evidently: its default for the size and type: up to 1000 values in the
//     reference the p-value ks, chisquare or z, beyond wasserstein_normed or
//     jensen_shannon.
//   - Deequ: linf_robust. Deequ takes numbers from a sketch, which is exact up to
//     2048 values; here they are always exact.
func Compat(tool CompatTool, ref, cur Column) (map[string]float64, error) {
	categorical := ref.Texts != nil || cur.Texts != nil
	if categorical && (len(ref.Numbers) > 0 || len(cur.Numbers) > 0) {
		return nil, errors.New("numbers cannot be compared with texts")
	}
	var all map[string]float64
	switch {
	case tool == Evidently && categorical:
		all = evidentlyTexts(tally(ref.Texts), tally(cur.Texts))
	case tool == Evidently:
		all = evidentlyNumbers(ascending(ref.Numbers, isFinite), ascending(cur.Numbers, isFinite))
	case tool == NannyML && categorical:
		all = nannyTexts(tally(ref.Texts), tally(cur.Texts))
	case tool == NannyML:
		all = nannyNumbers(ascending(ref.Numbers, isNumber), ascending(cur.Numbers, isNumber))
	case tool == Deequ:
		all = deequ(ref, cur, categorical)
	default:
		return nil, fmt.Errorf("compat %q is not one of %q", tool, []CompatTool{Evidently, NannyML, Deequ})
	}
	for name, v := range all {
		if !isFinite(v) {
			delete(all, name)
		}
	}
	return all, nil
}
