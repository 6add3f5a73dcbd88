package observe

import (
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
)

// Outputs is what the model said, by row of the batch; *inference.Scores is one.
type Outputs interface {
	// Headline is the score; ok is false when the row has none.
	Headline(row int) (score float64, ok bool)
	// Label is the label as text, valid until the next call.
	Label(row int) (label []byte, ok bool)
}

// Counter is what rows are added to: a *drift.Counter, or the rows of a reference.
type Counter interface {
	// Row comes before the values of a row.
	Row()
	Numbers(field int, v []float64)
	Text(field int, v []byte)
	Vector(field int, v []float32)
	Missing(field int)
	TypeError(field int)
}

// Observer counts rows for one goroutine. It allocates nothing once warm.
type Observer struct {
	plan    *Plan
	numbers []float64
	text    []byte
	vector  []float32
}

// NewObserver makes one.
func NewObserver(p *Plan) *Observer { return &Observer{plan: p} }

// Count counts rows of a batch that have a prediction, field by field: what the
// model was given, what it said, and what is watched beside it.
func (o *Observer) Count(c Counter, b *inference.Batch, out Outputs, rows []int) {
	for range rows {
		c.Row()
	}
	for field := range o.plan.sources {
		s := &o.plan.sources[field]
		kind := o.plan.Fields[field].Kind
		switch {
		case s.role == drift.Score:
			o.scores(c, field, out, rows)
		case s.role == drift.Output:
			labels(c, field, out, rows)
		case s.role == drift.Watched && kind == drift.Categorical:
			watchedTexts(c, field, s.watched, b, rows)
		case s.role == drift.Watched:
			o.watchedNumbers(c, field, s.watched, b, rows)
		case kind == drift.Categorical || kind == drift.Embedding:
			o.values(c, field, b, rows)
		default:
			o.numbers = b.AppendNumbers(o.numbers[:0], &s.feature, rows)
			c.Numbers(field, o.numbers)
			for range len(rows) - len(o.numbers) {
				c.Missing(field)
			}
		}
	}
}

func (o *Observer) scores(c Counter, field int, out Outputs, rows []int) {
	o.numbers = o.numbers[:0]
	for _, row := range rows {
		if score, ok := out.Headline(row); ok {
			o.numbers = append(o.numbers, score)
		} else {
			c.Missing(field)
		}
	}
	c.Numbers(field, o.numbers)
}

func labels(c Counter, field int, out Outputs, rows []int) {
	for _, row := range rows {
		if label, ok := out.Label(row); ok {
			c.Text(field, label)
		} else {
			c.Missing(field)
		}
	}
}

// values counts the texts of a categorical field, or the vectors of an embedding.
func (o *Observer) values(c Counter, field int, b *inference.Batch, rows []int) {
	f := &o.plan.sources[field].feature
	embedding := o.plan.Fields[field].Kind == drift.Embedding
	for _, row := range rows {
		switch {
		case b.IsMissing(f, row):
			c.Missing(field)
		case embedding:
			o.vector = b.AppendVector(o.vector[:0], f, row)
			c.Vector(field, o.vector)
		default:
			o.text = b.AppendFeature(o.text[:0], f, row)
			c.Text(field, o.text)
		}
	}
}

func (o *Observer) watchedNumbers(c Counter, field, number int, b *inference.Batch, rows []int) {
	o.numbers = o.numbers[:0]
	for _, row := range rows {
		switch v, has := b.WatchedNumber(number, row); has {
		case inference.Present:
			o.numbers = append(o.numbers, v)
		case inference.Absent:
			c.Missing(field)
		default:
			c.TypeError(field)
		}
	}
	c.Numbers(field, o.numbers)
}

func watchedTexts(c Counter, field, number int, b *inference.Batch, rows []int) {
	for _, row := range rows {
		switch v, has := b.WatchedText(number, row); has {
		case inference.Present:
			c.Text(field, v)
		case inference.Absent:
			c.Missing(field)
		default:
			c.TypeError(field)
		}
	}
}

// TypeError counts an event that was turned away for the type of what is at path: a
// row of that field alone, and none where the path is not watched.
func (p *Plan) TypeError(c Counter, path string) {
	fields := p.byPath[path]
	if len(fields) > 0 {
		c.Row()
	}
	for _, field := range fields {
		c.TypeError(field)
	}
}
