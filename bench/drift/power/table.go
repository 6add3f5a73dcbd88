package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
)

// The columns: five normals, one of which has 1 % missing, a category with eight
// values, and a score between 0 and 1.
var (
	numbers    = []string{"x0", "x1", "x2", "x3", "gaps", "score"}
	allColumns = append(append([]string{}, numbers...), "category")
)

// shift is a change of one column from one row on.
type shift struct {
	name, column   string
	mean, scale    float64 // of the normal
	category       float64 // more of the third category's share
	missing, score float64 // share; of the logit's mean
}

var shifts = []shift{
	{name: "mean + 0.25 σ", column: "x0", mean: .25},
	{name: "mean + 0.5 σ", column: "x0", mean: .5},
	{name: "mean + 1 σ", column: "x0", mean: 1},
	{name: "σ × 1.5", column: "x0", scale: .5},
	{name: "σ × 2", column: "x0", scale: 1},
	{name: "a category 12 % → 22 %", column: "category", category: .1},
	{name: "a category 12 % → 32 %", column: "category", category: .2},
	{name: "missing 1 % → 6 %", column: "gaps", missing: .05},
	{name: "missing 1 % → 21 %", column: "gaps", missing: .2},
	{name: "score, logit + 0.5", column: "score", score: .5},
}

func (s *shift) file(repetition int) string {
	for i := range shifts {
		if shifts[i].name == s.name {
			return fmt.Sprintf("shift-%d-%d.csv", i, repetition)
		}
	}
	return ""
}

// table has one value a column and row; a missing number is NaN.
type table struct {
	numbers  [][]float64 // by column
	category []int
}

// draw draws rows; the shift, if any, is there after the first hour.
func draw(seed uint64, rows int, s *shift, more ...uint64) *table {
	if len(more) > 0 {
		seed += 1000 * (more[0] + 1)
	}
	random := rand.New(rand.NewPCG(seed, 7))
	t := &table{numbers: make([][]float64, len(numbers))}
	var none shift
	for row := range rows {
		now := &none
		if s != nil && row >= rowsPerHour {
			now = s
		}
		for i, name := range numbers {
			var here shift
			if name == now.column {
				here = *now
			}
			t.numbers[i] = append(t.numbers[i], number(random, name, here))
		}
		t.category = append(t.category, categoryOf(random, now.category))
	}
	return t
}

func number(random *rand.Rand, name string, s shift) float64 {
	v := s.mean + (1+s.scale)*random.NormFloat64()
	switch name {
	case "gaps":
		if random.Float64() < .01+s.missing {
			return math.NaN()
		}
	case "score":
		return 1 / (1 + math.Exp(-(2*v - 1 + 2*s.score)))
	}
	return v
}

var categoryShares = []float64{.3, .2, .12, .1, .1, .08, .06, .04}

func categoryOf(random *rand.Rand, more float64) int {
	if random.Float64() < more {
		return 2
	}
	u := random.Float64()
	for i, share := range categoryShares {
		if u -= share; u < 0 {
			return i
		}
	}
	return len(categoryShares) - 1
}

func (t *table) write(path string, columns []string) error {
	records := [][]string{columns}
	for row := range t.category {
		record := make([]string, len(columns))
		for i, name := range columns {
			record[i] = t.text(name, row)
		}
		records = append(records, record)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := csv.NewWriter(file).WriteAll(records); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func (t *table) text(column string, row int) string {
	for i, name := range numbers {
		if v := t.numbers[i][row]; name == column && !math.IsNaN(v) {
			return strconv.FormatFloat(v, 'g', 8, 64)
		}
	}
	if column == "category" {
		return categoryName(t.category[row])
	}
	return ""
}

func categoryName(c int) string { return "c" + strconv.Itoa(c) }
