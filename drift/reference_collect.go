package drift

import "time"

// Collect builds a reference from counts that Windows summed without a reference
// ({first: …}): panes in order, each one the counts of the fields as they are
// counted, embeddings expanded. These know basic buckets only, so that nothing is
// split, and a Kolmogorov-Smirnov interval is as wide as the heaviest bucket.
func Collect(fields []Field, panes []Pane, block time.Duration) (*Reference, error) {
	b := NewReferenceBuilder(nil, block)
	for _, f := range fields {
		for _, counted := range f.Expand(0) {
			if counted.Kind == Embedding {
				b.columns = append(b.columns, &vectorColumn{field: counted})
			} else {
				b.columns = append(b.columns, newColumns(counted)...)
			}
		}
	}
	for i := range panes {
		p := &panes[i]
		if p.Rows == 0 {
			continue
		}
		b.At(p.Start, true)
		b.rows += p.Rows
		for j := range p.Fields {
			b.columns[j].addCounts(&p.Fields[j], p.Texts, b.now)
		}
	}
	return b.Build()
}
