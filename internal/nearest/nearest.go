// Package nearest finds the name that a user most likely meant, for the "did
// you mean" part of a message.
package nearest

import (
	"fmt"
	"strings"
)

// Name gives the candidate nearest to got: the one that differs in case alone,
// or by the fewest insertions, deletions, substitutions and swaps of two
// neighbours, at most a third of got's length. A candidate that begins with
// got, or ends in "." and got, counts as two edits away at most, so that age
// finds customer.age. A single letter tells nothing but its case. Of equally near
// ones the first wins. It gives false when none is near.
func Name(got string, candidates []string) (string, bool) {
	lower := []rune(strings.ToLower(got))
	limit := max(1, len(lower)/3)
	best, bestDistance := "", limit+1
	for _, c := range candidates {
		if c == got {
			continue
		}
		folded := strings.ToLower(c)
		letters := []rune(folded)
		d := distance(lower, letters)
		if d > 0 && min(len(lower), len(letters)) < 2 {
			continue
		}
		if len(lower) > 2 && (strings.HasPrefix(folded, string(lower)) || strings.HasSuffix(folded, "."+string(lower))) {
			d = min(d, 2, limit)
		}
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best, bestDistance <= limit
}

// Hint asks whether the candidate nearest to got was meant, or gives otherwise
// when none is near.
func Hint(got string, candidates []string, otherwise string) string {
	if name, ok := Name(got, candidates); ok {
		return fmt.Sprintf("did you mean %q?", name)
	}
	return otherwise
}

// distance is the optimal string alignment distance. Three rows of the usual
// table are enough.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
