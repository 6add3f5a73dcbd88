package drift

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

func built(t *testing.T, b *ReferenceBuilder) *Reference {
	t.Helper()
	r, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is normal does not depend on the order of rows, as long as no field has
// more different values than are kept apart.
func TestReferencesOfShuffledRowsAreTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	order := make([]int, 6000)
	for i := range order {
		order[i] = i
	}
	var first []byte
	for range 3 {
		b := NewReferenceBuilder([]Field{{Name: "x"}, {Name: "k", Kind: Categorical, Top: 5}}, time.Minute)
		for _, i := range order {
			rows := b.At(int64(i)*1000, true)
			rows.Row()
			rows.Number(0, float64(i*i%997))
			rows.Text(1, fmt.Appendf(nil, "%d", i*i%13))
		}
		data, err := built(t, b).Encode()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		} else if !bytes.Equal(first, data) {
			t.Error("another order gave another reference")
		}
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
}

// Blocks get longer instead of more, and lose nothing over it.
func TestBlocksOfAReferenceAreBounded(t *testing.T) {
	for _, timed := range []bool{true, false} {
		b := NewReferenceBuilder([]Field{{Name: "x"}, {Name: "k", Kind: Categorical}}, time.Second)
		const rows = blockRows*maxBlocks + 5000
		for i := range rows {
			out := b.At(int64(i)*100-1e6, timed)
			out.Row()
			switch i % 10 {
			case 0:
				out.Missing(0)
			case 1:
				out.TypeError(0)
			default:
				out.Number(0, float64(i%100))
			}
			if i%10 == 3 {
				out.TypeError(1)
			} else {
				out.Text(1, strconv.AppendInt(nil, int64(i%(maxCandidates+1000)), 10))
			}
		}
		ref := built(t, b)
		if len(ref.Starts) > maxBlocks || len(ref.Starts) < maxBlocks/2-1 || !slices.IsSorted(ref.Starts) {
			t.Errorf("there are %d blocks", len(ref.Starts))
		}
		if timed && (ref.Block%1000 != 0 || !ref.From.Equal(time.UnixMilli(-1e6))) || !timed && (ref.Block != 0 || ref.Starts[1] != 2*blockRows) {
			t.Errorf("blocks of %d ms, from %v on: %v", ref.Block, ref.From, ref.Starts[:3])
		}
		data, err := ref.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseReference(data); err != nil {
			t.Error(err)
		}
		for i := range ref.Fields {
			f := &ref.Fields[i]
			sum := make([]int64, f.cells())
			for _, block := range f.Blocks {
				for j, n := range block {
					sum[j] += n
				}
			}
			if cells := f.Cells(&f.Counts, nil); !slices.Equal(sum, cells) {
				t.Errorf("%s: the blocks sum to %v, not %v", f.Name, sum, cells)
			}
		}
	}
}

// Rows without a time among others stay with those before; if the first row has
// none, blocks are stretches of rows.
func TestRowsWithoutATimeStayWithThoseBefore(t *testing.T) {
	b := NewReferenceBuilder([]Field{{Name: "x"}}, time.Hour)
	for _, at := range []int64{0, -1, 7_200_000, -1, -1} {
		rows := b.At(at, at >= 0)
		rows.Row()
		rows.Number(0, 1)
	}
	ref := built(t, b)
	if !slices.Equal(ref.Starts, []int64{0, 7_200_000}) {
		t.Fatalf("the blocks begin at %v", ref.Starts)
	}
	for i, want := range []int64{2, 3} {
		if got := slices.Max(ref.Fields[0].Blocks[i]); got != want {
			t.Errorf("block %d has %d rows, want %d", i, got, want)
		}
	}
}

func TestReferencesOfNothingAreRefused(t *testing.T) {
	if _, err := NewReferenceBuilder([]Field{{Name: "x"}}, time.Hour).Build(); err == nil {
		t.Error("there is a reference without a row")
	}
}

// An identifier has more values than a reference can know: none is then new.
func TestReferencesOfManyTextsAreOpen(t *testing.T) {
	b := NewReferenceBuilder([]Field{{Name: "id", Kind: Categorical, Top: 2}}, time.Hour)
	long := bytes.Repeat([]byte("x"), maxName+1)
	for i := range maxSeen + 10 {
		rows := b.At(0, true)
		rows.Row()
		switch {
		case i%4 == 1:
			rows.Text(0, long)
		case i%8 == 2:
			rows.Text(0, []byte("\xff"))
		default:
			rows.Text(0, fmt.Appendf(nil, "%d", i/4))
		}
	}
	f := &built(t, b).Fields[0]
	if f.Open || len(f.Known)+len(f.Names) > maxSeen || slices.Contains(f.Names, string(long)) || slices.Contains(f.Names, "\xff") {
		t.Errorf("open: %v, %d known, names %q", f.Open, len(f.Known), f.Names)
	}
	rows := b.At(0, true)
	for i := range maxSeen {
		rows.Row()
		rows.Text(0, fmt.Appendf(nil, "other %d", i))
	}
	f = &built(t, b).Fields[0]
	if !f.Open || f.Known != nil || f.Counts.Rows != 2*maxSeen+10 {
		t.Errorf("open: %v, %d known, %d rows", f.Open, len(f.Known), f.Counts.Rows)
	}
}

// The same rows, counted without a reference and collected, give the same names
// and, where no bucket has to be divided, the same bins and cells.
func TestCollectedReferencesAreLikeBuiltOnes(t *testing.T) {
	fields := []Field{{Name: "x"}, {Name: "k", Kind: Categorical, Top: 3}, {Name: "e", Kind: Embedding, Width: 2}}
	r := rand.New(rand.NewPCG(19, 20))
	b := NewReferenceBuilder(fields, time.Hour)
	counter := NewCounter(NewSchema(fields, nil))
	var panes []Pane
	for pane := range 48 {
		start := int64(pane) * 1_800_000
		rows := b.At(start, true)
		for i := range 200 {
			x, k, e := r.NormFloat64(), fmt.Appendf(nil, "%d", i%7*i%5), []float32{float32(r.NormFloat64()), 1}
			rows.Row()
			counter.Row()
			if i%40 == 0 {
				rows.Missing(0)
				counter.Missing(0)
			} else {
				rows.Number(0, x)
				counter.Number(0, x)
			}
			if i%50 == 3 {
				rows.TypeError(1)
				counter.TypeError(1)
			} else {
				rows.Text(1, k)
				counter.Text(1, k)
			}
			rows.Vector(2, e)
			counter.Vector(2, e)
		}
		p := Pane{Start: start, Rows: counter.Rows(), Texts: map[uint64]string{}}
		for _, c := range counter.Counts(nil) {
			p.Fields = append(p.Fields, c.Clone())
		}
		maps.Insert(p.Texts, counter.Texts())
		panes = append(panes, p)
		counter.Reset()
	}
	want := built(t, b)
	got, err := Collect(fields, panes, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != want.Rows || !slices.Equal(got.Starts, want.Starts) || len(got.Starts) != 24 {
		t.Errorf("%d rows from %v on, want %d from %v on", got.Rows, got.Starts, want.Rows, want.Starts)
	}
	schema := NewSchema(fields, got)
	for i := range got.Fields {
		g := &got.Fields[i]
		w := want.Field(g.Name)
		if w == nil || schema.Fields[i].Name != g.Name || g.Counts.Rows != w.Counts.Rows || g.Counts.Missing != w.Counts.Missing || !slices.Equal(g.Names, w.Names) {
			t.Errorf("%s: %d rows, %d missing, names %q, and built %+v", g.Name, g.Counts.Rows, g.Counts.Missing, g.Names, w)
			continue
		}
		if g.Kind == Categorical && !slices.EqualFunc(g.Blocks, w.Blocks, slices.Equal) {
			t.Errorf("%s: the blocks are %v, and built %v", g.Name, g.Blocks, w.Blocks)
		}
		// The same window is as far from either.
		if g.Kind == Numeric {
			errors := func(cells []int64) int64 { return cells[len(cells)-1] + cells[len(cells)-2] } // missing ones are the others
			if !slices.EqualFunc(g.Blocks, w.Blocks, func(a, b []int64) bool { return errors(a) == errors(b) }) {
				t.Errorf("%s: the blocks are %v, and built %v", g.Name, g.Blocks, w.Blocks)
			}
			near(t, g.Name+" and itself", g.Compare(&g.Counts, 1).JS, 0, 0)
			if len(g.Blocks) != 24 || len(g.Bins) < 3 {
				t.Errorf("%s: %d blocks, %d bins", g.Name, len(g.Blocks), len(g.Bins))
			}
		}
	}
}

// Vectors are counted by their nearest centroid, those that made the centroids too.
func TestReferencesOfEmbeddingsHaveCentroids(t *testing.T) {
	fields := []Field{{Name: "e", Kind: Embedding, Width: 3}}
	b := NewReferenceBuilder(fields, time.Hour)
	r := rand.New(rand.NewPCG(21, 22))
	corners := [][]float32{{10, 0, 0}, {0, 10, 0}, {0, 0, 10}, {-10, 0, 0}}
	const rows = vectorRoom + 1000
	for i := range rows {
		out := b.At(int64(i)*1000, true)
		out.Row()
		switch {
		case i == 17:
			out.Vector(0, []float32{1}) // of another width
		case i == 18:
			out.Missing(0)
		default:
			v := slices.Clone(corners[i%4])
			for j := range v {
				v[j] += float32(r.NormFloat64()) / 100
			}
			out.Vector(0, v)
		}
	}
	ref := built(t, b)
	f := ref.Field("e.centroid")
	if f == nil || f.Counts.Rows != rows || f.Counts.TypeErrors != 1 || f.Counts.Missing != 1 || f.Counts.Named() != rows-2 {
		t.Fatalf("the centroids count %+v", f)
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if ref, err = ParseReference(data); err != nil {
		t.Fatal(err)
	}
	c := NewCounter(NewSchema(fields, ref))
	for _, corner := range corners {
		c.Row()
		c.Vector(0, corner)
	}
	schema, counts := NewSchema(fields, ref), c.Counts(nil)
	last := len(counts) - 1
	if schema.Fields[last].Name != "e.centroid" || len(counts[last].Categories) != 4 || counts[last].New != 0 {
		t.Errorf("the corners are near to %+v", counts[last])
	}
}
