package drift

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// sampleReference has a field of every kind, with all that a reference can hold.
func sampleReference(t testing.TB, rows int) *Reference {
	t.Helper()
	b := NewReferenceBuilder([]Field{
		{Name: "amount"},
		{Name: "merchant", Kind: Categorical, Top: 3},
		{Name: "score", Role: Score},
	}, time.Hour)
	r := rand.New(rand.NewPCG(5, 6))
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	for i := range rows {
		to := b.At(begin+int64(i)*20_000, true)
		to.Row()
		switch {
		case i%100 == 7:
			to.TypeError(0)
			continue
		case i%50 == 0:
			to.Missing(0)
		case i%333 == 0:
			to.Number(0, math.Inf(-1))
		case i%3 == 0:
			to.Number(0, 9.99)
		default:
			to.Number(0, math.Exp(r.NormFloat64()))
		}
		to.Text(1, fmt.Appendf(nil, "m<%d>", r.IntN(10)*r.IntN(3)))
		to.Number(2, r.Float64())
	}
	ref, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestReferenceReadsBackAsItWas(t *testing.T) {
	ref := sampleReference(t, 5000)
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseReference(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, ref) {
		t.Errorf("it reads back as\n%+v\nand was\n%+v", got, ref)
	}
	again, err := sampleReference(t, 5000).Encode()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("the same rows gave other bytes (%v)", err)
	}
	if ref.Digest() == "" || got.Digest() != ref.Digest() {
		t.Errorf("the digests are %q and %q", ref.Digest(), got.Digest())
	}
	got.Fields[0].Counts.Buckets[0].N++
	if err := got.seal(); err != nil || got.Digest() == ref.Digest() {
		t.Error("another count has the same digest")
	}
}

func TestReferenceCountsEveryRowOnce(t *testing.T) {
	ref := sampleReference(t, 5000)
	if ref.Block != time.Hour.Milliseconds() || len(ref.Starts) != 28 || ref.Rows != 5000 {
		t.Errorf("%d rows in %d blocks of %d ms", ref.Rows, len(ref.Starts), ref.Block)
	}
	for i := range ref.Fields {
		f := &ref.Fields[i]
		cells := f.Cells(&f.Counts, nil)
		var sum int64
		for _, n := range cells {
			sum += n
		}
		if sum != f.Counts.Rows {
			t.Errorf("%s: %d rows are in cells, of %d", f.Name, sum, f.Counts.Rows)
		}
		blocks := make([]int64, len(cells))
		for _, block := range f.Blocks {
			for j, n := range block {
				blocks[j] += n
			}
		}
		if !slices.Equal(blocks, cells) {
			t.Errorf("%s: the blocks sum to\n%v, and the cells are\n%v", f.Name, blocks, cells)
		}
	}
	if got := ref.Field("merchant").Names; len(got) != 3 || got[0] != "m<0>" {
		t.Errorf("the names are %q", got)
	}
	if bins := ref.Field("amount").Bins; !slices.Contains(bins, Key(9.99)) || !slices.Contains(bins, Key(9.99)+1) {
		t.Error("the heavy tie has no bin of its own")
	}
}

func TestDamagedReferencesAreRefused(t *testing.T) {
	ref := sampleReference(t, 5000)
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"another format", `"format":2`, `"format":1`, "its format is 1, this program reads 2"},
		{"an unknown key", `"format":2`, `"format":2,"x":1`, "unknown field"},
		{"a field twice", `"name":"score"`, `"name":"amount"`, `field "amount" has no name, or another one`},
		{"a sum", `"type_errors":50`, `"type_errors":51`, "and the counts sum to"},
		{"a count below 0", `"type_errors":50`, `"type_errors":-50`, "below 0"},
		{"names twice", `["` + ref.Fields[1].Names[1], `["m<0>`, "one is there twice"},
		{"known", `"known":"`, `"known":"AAAA`, "hashes of 8 bytes"},
		{"a block", `"starts":[`, `"starts":[-3600000,`, "there are 28 blocks, and 29 starts"},
		{"starts", `"block_ms":3600000`, `"block_ms":3600001`, "multiples of block_ms"},
		{"no length of blocks", `"block_ms":3600000,`, "", "starts are not numbers of rows"},
		{"a length of 0", `"block_ms":3600000`, `"block_ms":0`, "starts are not numbers of rows"},
		{"bins", `"bins":[-1.7976931348623157e+308,`, `"bins":[-1e+308,`, "bins do not begin"},
		{"top", `"top":3`, `"top":10001`, "10001 values are counted by name; at most 10000 can be"},
		{"another kind", `"kind":"categorical"`, `"kind":"numeric"`, "parts of another kind"},
		{"more behind it", "\n]}\n", "\n]}\n{}", "after top-level value"},
		{"its rows", `"rows":5000`, `"rows":4900`, "more rows than the reference"},
	} {
		damaged := strings.Replace(string(data), c.old, c.new, 1)
		if damaged == string(data) {
			t.Fatalf("%s: %s is not in it", c.name, c.old)
		}
		if _, err := ParseReference([]byte(damaged)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What is read must be fit for all that is done with it, and read back the same.
func FuzzReference(f *testing.F) {
	data, err := sampleReference(f, 60).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":2,"rows":1,"fields":[{"name":"x","role":"input","kind":"numeric","rows":1,"halved":[[1,1]],"buckets":[[1,1]],"bins":[-1.7976931348623157e+308]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ref, err := ParseReference(data)
		if err != nil {
			return
		}
		for i := range ref.Fields {
			ref.Fields[i].Compare(&ref.Fields[i].Counts, 1)
		}
		again, err := ref.Encode()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseReference(again)
		if err != nil || parsed.Digest() != ref.Digest() {
			t.Fatalf("%v: %s", err, again)
		}
	})
}
