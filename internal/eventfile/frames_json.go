package eventfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/penstock/penstock/inference"
)

// discover lists the fields of events, in the order in which they first come.
// Objects within an event are entered, so that a column's name is a path.
func discover(r *rowFrame) ([]FrameColumn, error) {
	var columns []FrameColumn
	seen := map[string]bool{}
	for i := range r.chunk.Len() {
		err := r.walk(i, func(name string, _ inference.Cell) {
			if !seen[name] {
				seen[name] = true
				columns = append(columns, FrameColumn{Name: name})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// flatten makes the frame's cells of its events. Fields that the first rows did
// not have are left out.
func (s *rowSource) flatten(r *rowFrame) error {
	r.columns = len(s.index)
	r.cells, r.text = r.cells[:0], r.text[:0]
	for i := range r.chunk.Len() {
		first := len(r.cells)
		r.cells = append(r.cells, make([]inference.Cell, r.columns)...)
		row := r.cells[first:]
		err := r.walk(i, func(name string, cell inference.Cell) {
			if column, known := s.index[name]; known {
				row[column] = cell
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// walk gives every value of event i that is no object, with its path.
func (r *rowFrame) walk(i int, give func(name string, c inference.Cell)) error {
	w := walker{d: json.NewDecoder(bytes.NewReader(r.chunk.Value(i))), give: give, text: r.text}
	w.d.UseNumber()
	err := w.event()
	r.text = w.text
	if err != nil {
		return &lineError{fmt.Sprintf("%d:%d", r.chunk.lineOf(i), w.d.InputOffset()+1), err}
	}
	return nil
}

// walker goes through one event.
type walker struct {
	d    *json.Decoder
	give func(name string, c inference.Cell)
	text []byte
}

func (w *walker) event() error {
	t, err := w.d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("an event is an object, not %v", t)
	}
	if err := w.object(""); err != nil {
		return err
	}
	if w.d.More() {
		return fmt.Errorf("something follows the event's object")
	}
	return nil
}

// object goes through an object from behind its opening brace.
func (w *walker) object(prefix string) error {
	for w.d.More() {
		key, err := w.d.Token()
		if err != nil {
			return err
		}
		if err := w.value(join(prefix, key.(string))); err != nil { // a key is always text
			return err
		}
	}
	_, err := w.d.Token()
	return err
}

func (w *walker) value(name string) error {
	t, err := w.d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return w.object(name)
		}
		w.give(name, inference.Cell{Kind: inference.CellJSON, Bytes: []byte("[…]")})
		return w.skipArray()
	case json.Number:
		f, err := t.Float64()
		if err != nil { // beyond float64
			w.give(name, w.string(t.String()))
			return nil
		}
		w.give(name, inference.Cell{Kind: inference.CellFloat, Float: f})
	case string:
		w.give(name, w.string(t))
	case bool:
		c := inference.Cell{Kind: inference.CellBool}
		if t {
			c.Int = 1
		}
		w.give(name, c)
	}
	return nil
}

func (w *walker) string(s string) inference.Cell {
	begin := len(w.text)
	w.text = append(w.text, s...)
	return inference.Cell{Kind: inference.CellString, Bytes: w.text[begin:len(w.text):len(w.text)]}
}

func (w *walker) skipArray() error {
	for depth := 1; depth > 0; {
		t, err := w.d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}

// join is the path of a key below prefix, written as configs write it.
func join(prefix, key string) string {
	switch {
	case key == "" || strings.ContainsAny(key, ".[]"):
		return prefix + "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(key) + "']"
	case prefix == "":
		return key
	}
	return prefix + "." + key
}
