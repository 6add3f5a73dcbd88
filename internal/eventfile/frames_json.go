package eventfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock/penstock/inference"
)

// discover lists the fields of events, in the order in which they first come.
// Objects within an event are entered, so that a column's name is a path. What is
// null in one event and an object in another is no column of its own.
func discover(r *rowFrame) ([]FrameColumn, error) {
	var columns []FrameColumn
	valued := map[string]bool{} // false: null so far
	for i := range r.chunk.Len() {
		err := r.chunk.walk(i, &r.text, func(name string, _ int64, c inference.Cell) {
			if _, seen := valued[name]; !seen {
				columns = append(columns, FrameColumn{Name: name})
			}
			valued[name] = valued[name] || c.Kind != inference.CellNull
		})
		if err != nil {
			return nil, err
		}
	}
	var found []FrameColumn
	for _, c := range columns {
		if valued[c.Name] || !slices.ContainsFunc(columns, func(o FrameColumn) bool { return within(o.Name, c.Name) }) {
			found = append(found, c)
		}
	}
	return found, nil
}

// within tells whether a path leads on from another.
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "["))
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
		err := r.chunk.walk(i, &r.text, func(name string, _ int64, cell inference.Cell) {
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

// walk gives every value of event i that is no object, with its path and how many
// bytes of the event end with its key. Texts are appended to text.
func (c *Chunk) walk(i int, text *[]byte, give func(name string, key int64, c inference.Cell)) error {
	w := walker{d: json.NewDecoder(bytes.NewReader(c.Value(i))), give: give, text: *text}
	w.d.UseNumber()
	err := w.event()
	*text = w.text
	if err != nil {
		return &lineError{fmt.Sprintf("%d:%d", c.lineOf(i), w.d.InputOffset()+1), err}
	}
	return nil
}

// walker goes through one event.
type walker struct {
	d    *json.Decoder
	give func(name string, key int64, c inference.Cell)
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
	key := w.d.InputOffset()
	t, err := w.d.Token()
	if err != nil {
		return err
	}
	var c inference.Cell // null
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return w.object(name)
		}
		c = inference.Cell{Kind: inference.CellJSON, Bytes: []byte("[…]")}
		err = w.skipArray()
	case json.Number:
		c = w.number(t)
	case string:
		c = w.string(t)
	case bool:
		c.Kind = inference.CellBool
		if t {
			c.Int = 1
		}
	}
	w.give(name, key, c)
	return err
}

// number is text where it is beyond float64.
func (w *walker) number(n json.Number) inference.Cell {
	f, err := n.Float64()
	if err != nil {
		return w.string(n.String())
	}
	return inference.Cell{Kind: inference.CellFloat, Float: f}
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
