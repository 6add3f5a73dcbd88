package drift_test

import (
	"slices"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
)

func TestHashIsXXH64(t *testing.T) {
	// From the reference implementation's documentation, seed 0.
	for text, want := range map[string]uint64{
		"": 0xEF46DB3751D8E999, "a": 0xD24EC4F1A98C6E5B, "abc": 0x44BC2CF5AD770999,
	} {
		if got := drift.Hash([]byte(text)); got != want {
			t.Errorf("the hash of %q is %x, want %x", text, got, want)
		}
	}
}

func TestGenerationIsOfAllThatDecidesWhatACountMeans(t *testing.T) {
	number, category := drift.Field{Name: "x"}, drift.Field{Name: "c", Kind: drift.Categorical}
	vector := drift.Field{Name: "v", Kind: drift.Embedding, Width: 2}
	fields := []drift.Field{number, category, vector}
	base := func() *drift.Reference {
		return &drift.Reference{Fields: []drift.ReferenceField{
			{Field: number}, {Field: category, Names: []string{"a", "b"}, Known: []uint64{7}}, {Field: vector, Centroids: [][]float32{{1, 2}}},
		}}
	}
	generations := map[string]string{}
	add := func(what string, s *drift.Schema) {
		if twin, ok := generations[s.Generation]; ok {
			t.Errorf("%s has the generation of %s", what, twin)
		}
		generations[s.Generation] = what
	}
	add("the reference", drift.NewSchema(fields, base()))
	for what, change := range map[string]func(*drift.Reference){
		"a split":       func(r *drift.Reference) { split(&r.Fields[0].Layout, drift.Key(1)) },
		"another name":  func(r *drift.Reference) { r.Fields[1].Names[0] = "A" },
		"fewer names":   func(r *drift.Reference) { r.Fields[1].Names = []string{"a"} },
		"another known": func(r *drift.Reference) { r.Fields[1].Known[0] = 8 },
		"open":          func(r *drift.Reference) { r.Fields[1].Open = true },
		"no names":      func(r *drift.Reference) { r.Fields[1].Names, r.Fields[1].Known = nil, nil },
		"a centroid":    func(r *drift.Reference) { r.Fields[2].Centroids[0][1] = 3 },
	} {
		ref := base()
		change(ref)
		add(what, drift.NewSchema(fields, ref))
	}
	add("no reference", drift.NewSchema(fields, nil))
	add("another field", drift.NewSchema([]drift.Field{{Name: "y"}, category, vector}, base()))
	add("another kind", drift.NewSchema([]drift.Field{{Name: "x", Kind: drift.Categorical}, category, vector}, base()))
	add("another order", drift.NewSchema([]drift.Field{category, number, vector}, base()))
	add("one field less", drift.NewSchema(fields[:2], base()))
	add("another width", drift.NewSchema([]drift.Field{number, category, {Name: "v", Kind: drift.Embedding, Width: 3}}, base()))
	if again := drift.NewSchema(fields, base()).Generation; generations[again] != "the reference" {
		t.Error("the same reference has another generation")
	}
}

// Counts that mean the same are not mixed either, where the reference is another.
func TestAnotherReferenceIsAnotherGeneration(t *testing.T) {
	fields := []drift.Field{{Name: "c", Kind: drift.Categorical, Top: 2}}
	of := func(values ...string) *drift.Schema {
		b := drift.NewReferenceBuilder(fields, time.Hour)
		for _, v := range values {
			r := b.At(0, false)
			r.Row()
			r.Text(0, []byte(v))
		}
		ref, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return drift.NewSchema(fields, ref)
	}
	one, other := of("a", "a", "b"), of("a", "a", "a", "b")
	if !slices.Equal(one.Fields[0].Names, other.Fields[0].Names) {
		t.Fatal("the two references count differently")
	}
	if one.Generation == other.Generation {
		t.Error("two references are one generation")
	}
	if again := of("a", "a", "b"); again.Generation != one.Generation {
		t.Error("the same reference is another generation")
	}
}

func TestEmbeddingsAreExpanded(t *testing.T) {
	fields := []drift.Field{
		{Name: "v", Kind: drift.Embedding, Width: 2, Role: drift.Watched},
		{Name: "x"},
	}
	ref := &drift.Reference{Fields: []drift.ReferenceField{{Field: fields[0], Centroids: [][]float32{{0, 0}, {1, 1}}}}}
	names := func(s *drift.Schema) (all []string) {
		for _, f := range s.Fields {
			all = append(all, f.Name+" "+f.Role.String()+" "+f.Kind.String())
		}
		return all
	}
	without, with := names(drift.NewSchema(fields, nil)), names(drift.NewSchema(fields, ref))
	if len(without) != 19 || without[0] != "v watched embedding" || without[1] != "v.norm watched numeric" || without[17] != "v.p15 watched numeric" || without[18] != "x input numeric" {
		t.Errorf("without centroids: %q", without)
	}
	if want := slices.Insert(slices.Clone(without), 18, "v.centroid watched categorical"); !slices.Equal(with, want) {
		t.Errorf("with centroids: %q", with)
	}
}
