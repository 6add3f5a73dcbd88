package driftfile

import (
	"cmp"
	"slices"

	"github.com/penstock/penstock/internal/eventfile"
)

// group is the rows of a batch that lie in the same pane.
type group struct {
	pane     int64   // where it starts, Unix milliseconds
	rows     []int32 // nil: n rows of the batch, from first on
	first, n int
}

// each calls do for every row.
func (g *group) each(do func(row int)) {
	if g.rows == nil {
		for row := g.first; row < g.first+g.n; row++ {
			do(row)
		}
		return
	}
	for _, row := range g.rows {
		do(int(row))
	}
}

// grouper puts a batch's rows into panes. Rows without a time that can be read go
// nowhere and are counted.
type grouper struct {
	start      func(unixMilli int64) int64 // of the pane; nil: there is one for all rows
	times      *interval                   // of all rows so far
	untimed    int64
	unreadable Unreadable // times
	groups     []group
	order      []int32
	panes      []int64 // by row
}

func (g *grouper) group(b *batch) []group {
	g.groups = g.groups[:0]
	if b.times == nil {
		return append(g.groups, group{n: b.frame.Rows})
	}
	g.panes, g.order = g.panes[:0], g.order[:0]
	g.unreadable.note(b.frame, b.time, b.times)
	same := true
	for row, at := range b.times.Times {
		pane := int64(0)
		switch b.times.States[row] {
		case eventfile.Absent:
			g.untimed++
		case eventfile.Present:
			g.times.add(at)
			if g.start != nil {
				pane = g.start(at)
			}
			g.order = append(g.order, int32(row))
		}
		g.panes = append(g.panes, pane)
		same = same && pane == g.panes[0]
	}
	if same && len(g.order) == len(g.panes) {
		return append(g.groups, group{pane: g.panes[0], n: b.frame.Rows})
	}
	slices.SortStableFunc(g.order, func(a, b int32) int { return cmp.Compare(g.panes[a], g.panes[b]) })
	for first := 0; first < len(g.order); {
		end, pane := first+1, g.panes[g.order[first]]
		for end < len(g.order) && g.panes[g.order[end]] == pane {
			end++
		}
		g.groups = append(g.groups, group{pane: pane, rows: g.order[first:end], n: end - first})
		first = end
	}
	return g.groups
}
