package main

import (
	"math"
	"time"

	"github.com/penstock/penstock/drift"
)

// counter takes rows: of a reference or of a pane.
type counter interface {
	Row()
	Number(field int, v float64)
	Text(field int, v []byte)
	Missing(field int)
}

func fields() []drift.Field {
	var all []drift.Field
	for _, name := range numbers {
		f := drift.Field{Name: name, Kind: drift.Numeric}
		if name == "score" {
			f.Role = drift.Score
		}
		all = append(all, f)
	}
	return append(all, drift.Field{Name: "category", Kind: drift.Categorical, Top: 100})
}

// at is the event time of a row, in Unix milliseconds.
func at(row int) int64 { return int64(row) * time.Hour.Milliseconds() / rowsPerHour }

func (t *table) count(row int, c counter) {
	c.Row()
	for i := range t.numbers {
		if v := t.numbers[i][row]; math.IsNaN(v) {
			c.Missing(i)
		} else {
			c.Number(i, v)
		}
	}
	c.Text(len(t.numbers), []byte(categoryName(t.category[row])))
}

func build(t *table) (*drift.Reference, error) {
	b := drift.NewReferenceBuilder(fields(), time.Minute)
	for row := range t.category {
		t.count(row, b.At(at(row), true))
	}
	return b.Build()
}

// hops are the closings of a window in its length.
const hops = 12

// watch lets a judge see all windows of the rows, and gives the number of rows that
// had come at each begin of an alarm.
func watch(t *table, ref *drift.Reference, config drift.JudgeConfig) []int {
	schema := drift.NewSchema(fields(), ref)
	judge := drift.NewJudge(schema, ref, config)
	pane := drift.NewCounter(schema)
	hop := time.Hour.Milliseconds() / hops
	var last [hops][]drift.Counts
	var begins []int
	for row := range t.category {
		t.count(row, pane)
		n := at(row) / hop
		if at(row+1)/hop == n {
			continue
		}
		var counts []drift.Counts
		for _, c := range pane.Counts(nil) {
			counts = append(counts, c.Clone())
		}
		last[n%hops] = counts
		pane.Reset()
		if n < hops-1 {
			continue
		}
		_, events := judge.Judge(sum(last[:], config.Windows[0], drift.Span{Start: (n + 1 - hops) * hop, End: (n + 1) * hop}))
		for _, e := range events {
			if e.Begins {
				begins = append(begins, row+1)
			}
		}
	}
	return begins
}

// sum is the window of these panes.
func sum(panes [][]drift.Counts, w drift.WindowSpec, span drift.Span) *drift.Closed {
	c := &drift.Closed{Window: w, Span: span, Complete: true}
	for i := range panes[0] {
		total := panes[0][i].Clone()
		for _, p := range panes[1:] {
			total.Add(&p[i])
		}
		c.Fields = append(c.Fields, total)
	}
	c.Rows = c.Fields[0].Rows
	return c
}
