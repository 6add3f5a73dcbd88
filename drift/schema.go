package drift

import "strconv"

// Schema is what a model's rows are counted by: the fields, with embeddings
// expanded into those that they are counted as (Field.Expand), and for each what
// the reference fixes. It is immutable and safe for concurrent use.
type Schema struct {
	Generation string // digest of all that decides what a count means; deltas of different ones are never summed
	Fields     []FieldSchema
	countedAs  []span // one a field as NewSchema was given it
}

// span are the entries of Schema.Fields that one field is counted as.
type span struct{ from, to int }

// FieldSchema is one field's way of counting.
type FieldSchema struct {
	Field
	Layout    *Layout     // Numeric
	Names     []string    // Categorical: those counted by name; nil without a reference: all by hash, MaxCategories of them
	Known     []uint64    // Categorical: hashes of further values that the reference has seen, ascending
	Open      bool        // Categorical: the reference saw more than Known holds, so that nothing counts as New
	Centroids [][]float32 // Embedding; nil without a reference

	parts      *parts      // Numeric: of the layout
	dictionary *dictionary // Categorical with a reference
	signs      []float64   // Embedding
}

// NewSchema is that of the fields, without a reference when ref is nil. A field
// that the reference does not have, or has as another kind, is counted as without
// one.
func NewSchema(fields []Field, ref *Reference) *Schema {
	known := map[string]*ReferenceField{}
	if ref != nil {
		for i := range ref.Fields {
			known[ref.Fields[i].Name] = &ref.Fields[i]
		}
	}
	s := &Schema{}
	for _, f := range fields {
		at := span{from: len(s.Fields)}
		own := newFieldSchema(f, known[f.Name])
		s.Fields = append(s.Fields, own)
		for _, derived := range f.Expand(len(own.Centroids))[1:] {
			fixed := known[derived.Name]
			if derived.Kind == Categorical && fixed == nil {
				fixed = &ReferenceField{Field: derived, Names: centroidNames(len(own.Centroids))}
			}
			s.Fields = append(s.Fields, newFieldSchema(derived, fixed))
		}
		if at.to = len(s.Fields); f.Kind == Embedding {
			at.from++
		}
		s.countedAs = append(s.countedAs, at)
	}
	s.Generation = generation(s, ref)
	return s
}

// centroidNames are the names of n centroids.
func centroidNames(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	return all
}

// newFieldSchema is that of one field, ref being nil where there is none.
func newFieldSchema(f Field, ref *ReferenceField) FieldSchema {
	s := FieldSchema{Field: f}
	fixed := ref != nil && ref.Kind == f.Kind
	switch f.Kind {
	case Numeric:
		s.Layout = &Layout{}
		if fixed {
			s.Layout = &Layout{Splits: ref.Layout.Splits}
		}
		s.parts = newParts(s.Layout)
	case Categorical:
		if fixed {
			s.Names, s.Known, s.Open = append([]string{}, ref.Names...), ref.Known, ref.Open
			s.dictionary = newDictionary(s.Names, s.Known)
		}
	case Embedding:
		s.signs = signs(f.Width)
		if fixed && ref.Width == f.Width {
			s.Centroids = ref.Centroids
		}
	}
	return s
}
