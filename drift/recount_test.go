package drift

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// What was counted by hash and then recounted is what the reference's own schema
// counts, also where the reference is open.
func TestRecount(t *testing.T) {
	fields := []Field{
		{Name: "amount"},
		{Name: "shop", Kind: Categorical, Top: 5},
		{Name: "vector", Kind: Embedding, Width: 4},
		{Name: "code", Kind: Categorical, Top: 3},
	}
	blind := NewSchema(fields, nil)
	r := rand.New(rand.NewPCG(1, 1))
	count := func(s *Schema, r *rand.Rand, codes int) Pane {
		c := NewCounter(s)
		for range 3000 {
			c.Row()
			c.Number(0, r.NormFloat64()*float64(r.IntN(3)))
			if r.IntN(10) == 0 {
				c.Missing(1)
			} else {
				c.Text(1, fmt.Appendf(nil, "shop %d", r.IntN(20)))
			}
			c.Vector(2, []float32{r.Float32(), r.Float32(), 1, 2})
			c.Text(3, fmt.Appendf(nil, "code %d", r.IntN(codes)))
		}
		p := Pane{Rows: c.Rows(), Texts: map[uint64]string{}}
		for _, counts := range c.Counts(nil) {
			p.Fields = append(p.Fields, counts.Clone())
		}
		maps.Insert(p.Texts, c.Texts())
		return p
	}
	for _, codes := range []int{10, 3 * maxSeen} { // more than a reference can remember
		var panes []Pane
		for i := range 30 {
			panes = append(panes, count(blind, r, codes))
			panes[i].Start = int64(i) * time.Hour.Milliseconds()
		}
		ref, err := Collect(fields, panes, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		s := NewSchema(fields, ref)
		if open := s.Fields[len(s.Fields)-1].Open; open != (codes > 10) {
			t.Fatalf("of %d codes the reference is open: %t", codes, open)
		}
		want := count(s, rand.New(rand.NewPCG(2, 2)), 2*codes)
		d := Delta{Panes: []Pane{count(blind, rand.New(rand.NewPCG(2, 2)), 2*codes)}}
		s.Recount(&d)
		for i, got := range d.Panes[0].Fields {
			if w := want.Fields[i]; !slices.Equal(got.Categories, w.Categories) || got.New != w.New || got.Other != w.Other ||
				!slices.Equal(got.Buckets, w.Buckets) || got.Rows != w.Rows || !reflect.DeepEqual(got.Distinct, w.Distinct) {
				t.Errorf("%s: %d names, %d new, %d other of %d; want %d, %d, %d of %d", s.Fields[i].Name,
					len(got.Categories), got.New, got.Other, got.Rows, len(w.Categories), w.New, w.Other, w.Rows)
			}
		}
		if shop := want.Fields[1]; shop.Other == 0 || len(shop.Categories) != 5 || d.Panes[0].Texts != nil {
			t.Errorf("the test has no others, or the names are still there: %+v", shop)
		}
	}
}

// A delta of other fields is left to be refused.
func TestRecountOfOtherFields(t *testing.T) {
	s := NewSchema([]Field{{Name: "amount"}}, nil)
	s.Recount(&Delta{Panes: []Pane{{Rows: 1, Fields: make([]Counts, 3)}, {Late: 1}}})
}
