package drift

import "math"

// NannyML estimates from this many reference values on with this many bins.
const (
	nannyEstimates = 10000
	nannyBins      = 10000
)

// nannyNumbers are NannyML's methods for continuous columns, without NaN.
func nannyNumbers(ref, cur []float64) map[string]float64 {
	if len(ref) == 0 || len(cur) == 0 {
		return nil
	}
	low, high := ref[0], ref[len(ref)-1]
	if !isFinite(low) || !isFinite(high) {
		return nil // it fails, for the histogram, and then as a whole
	}
	all := map[string]float64{}
	if len(ref) < nannyEstimates {
		all["kolmogorov_smirnov"] = ksDistance(ref, cur)
		all["wasserstein"] = wasserstein1(ref, cur)
	} else {
		all["kolmogorov_smirnov"] = nannyKS(ref, cur)
		all["wasserstein"] = nannyWasserstein(ref, cur)
	}
	edges := evenEdges(low, high, doane(ref))
	p, q := nannyShares(differences(cumulated(ref, edges)), differences(cumulated(cur, edges)), len(ref), len(cur))
	all["jensen_shannon"] = shannonDistance(p, q) / math.Sqrt(math.Ln2)
	all["hellinger"] = hellingerDistance(p, q)
	return all
}

// nannyTexts are NannyML's methods for categorical columns.
func nannyTexts(ref, cur frequencies) map[string]float64 {
	if ref.total == 0 || cur.total == 0 {
		return nil
	}
	ofRef, ofCur := paired(ref, cur)
	p, q := shares(ofRef, ref.total), shares(ofCur, cur.total)
	return map[string]float64{
		"chi2":       homogeneity(ofRef, ofCur),
		"l_infinity": largestDifference(p, q),
		// NannyML has one bin for all that the reference lacks, which adds as much as several.
		"jensen_shannon": shannonDistance(p, q) / math.Sqrt(math.Ln2),
		"hellinger":      hellingerDistance(p, q),
	}
}

// nannyShares are the shares of the bins and, last, of what lies in none of them.
func nannyShares(ref, cur []int, ofRef, ofCur int) (p, q []float64) {
	rest := ofCur
	for _, n := range cur {
		rest -= n
	}
	return append(shares(ref, ofRef), 0), append(shares(cur, ofCur), float64(rest)/float64(ofCur))
}

// doane is the number of bins for ascending values by Doane's rule as numpy has it: Doane 1976,
// Aesthetic frequency classifications, The American Statistician 30.
func doane(values []float64) int {
	n := float64(len(values))
	if n <= 2 || values[0] == values[len(values)-1] {
		return 1
	}
	mean, deviation := meanAndDeviation(values)
	var skewness float64
	for _, v := range values {
		z := (v - mean) / deviation
		skewness += z * z * z / n
	}
	error3 := math.Sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
	return int(math.Ceil(1 + math.Log2(n) + math.Log2(1+math.Abs(skewness)/error3)))
}

// differences undoes cumulated.
func differences(sums []int) []int {
	all := make([]int, len(sums))
	before := 0
	for i, sum := range sums {
		all[i], before = sum-before, sum
	}
	return all
}

// nannyKS is the largest difference at the edges of even bins over the reference.
func nannyKS(ref, cur []float64) float64 {
	edges := spaced(ref[0], ref[len(ref)-1], nannyBins)
	ofRef, ofCur := cumulated(ref, edges), cumulated(cur, edges)
	smaller := below(cur, edges[0])
	var d float64
	for i := range ofRef {
		d = max(d, math.Abs(float64(ofRef[i])/float64(len(ref))-float64(smaller+ofCur[i])/float64(len(cur))))
	}
	return d
}

// nannyWasserstein is the area between the distribution functions, taken at even
// bins within the reference's range and exactly outside. Within, NannyML counts
// one value too many below the range where there is any, and so does this.
func nannyWasserstein(ref, cur []float64) float64 {
	edges := evenEdges(ref[0], ref[len(ref)-1], nannyBins)
	low, high := edges[0], edges[nannyBins]
	n := float64(len(cur))
	smaller := below(cur, low)
	var area float64
	for _, v := range cur[:smaller] {
		area += (low - v) / n
	}
	for _, v := range cur[upTo(cur, high):] {
		area += (v - high) / n
	}
	if smaller > 0 {
		smaller++
	}
	ofRef, ofCur := cumulated(ref, edges), cumulated(cur, edges)
	width := edges[1] - edges[0]
	for i := range ofRef {
		area += width * math.Abs(float64(ofRef[i])/float64(len(ref))-float64(smaller+ofCur[i])/n)
	}
	return area
}

// homogeneity is Pearson's statistic of a table of two rows, with Yates's
// correction where it has two columns, as scipy's chi2_contingency. It is 0 for
// one column.
func homogeneity(a, b []int) float64 {
	var ofA, ofB float64
	for i := range a {
		ofA, ofB = ofA+float64(a[i]), ofB+float64(b[i])
	}
	correction := 0.0
	if len(a) == 2 {
		correction = 0.5
	}
	var sum float64
	for i := range a {
		column := float64(a[i] + b[i])
		for _, cell := range [][2]float64{{float64(a[i]), ofA}, {float64(b[i]), ofB}} {
			expected := column * cell[1] / (ofA + ofB)
			off := math.Abs(cell[0] - expected)
			off -= min(off, correction)
			sum += off * off / expected
		}
	}
	return sum
}
