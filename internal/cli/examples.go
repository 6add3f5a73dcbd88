package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/penstock/penstock/internal/eventfile"
)

// defaultTolerance is how far an example's numbers may be off when it does not
// say so itself.
const defaultTolerance = 1e-4

// example is one line of a model's examples file.
type example struct {
	Event     json.RawMessage `json:"event"`
	Expect    map[string]any  `json:"expect"` // a part of a prediction record
	Tolerance *float64        `json:"tolerance"`

	line int64 // from 1, as editors count
}

func (e *example) tolerance() float64 {
	if e.Tolerance == nil {
		return defaultTolerance
	}
	return *e.Tolerance
}

// lineError is something wrong with a line of a file.
type lineError struct {
	file string
	line int64
	text string
}

func (e *lineError) Error() string { return fmt.Sprintf("%s:%d:1: %s", e.file, e.line, e.text) }

// readExamples reads a whole examples file. bad has an entry for every line that
// is no example; err says that the file cannot be read.
func readExamples(path string) (examples []example, bad []error, err error) {
	r, err := eventfile.Open(path, eventfile.JSONLines, eventfile.Options{})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var c eventfile.Chunk
	for {
		switch err := r.Next(&c); {
		case errors.Is(err, io.EOF):
			if len(examples)+len(bad) == 0 {
				bad = append(bad, &lineError{path, 1, "there is no example in this file"})
			}
			return examples, bad, nil
		case err != nil:
			return examples, bad, err
		}
		for i := range c.Len() {
			e := example{line: c.ID(i).Offset + 1}
			if r := c.Rejection(i); r != nil {
				bad = append(bad, &lineError{path, e.line, r.Error()})
			} else if err := e.parse(c.Value(i)); err != nil {
				bad = append(bad, &lineError{path, e.line, err.Error()})
			} else {
				examples = append(examples, e)
			}
		}
	}
}

func (e *example) parse(line []byte) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return fmt.Errorf("no example: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("no example: something follows the object")
	}
	switch {
	case e.Event == nil:
		return errors.New(`no example: "event" is missing`)
	case len(e.Expect) == 0:
		return errors.New(`no example: "expect" is missing; give the part of the prediction that matters, such as {"label": 1}`)
	case e.tolerance() < 0:
		return errors.New("no example: tolerance is negative")
	}
	return nil
}

// fieldPaths lists the paths of all fields that the examples' events have, for
// near-name hints; nil when there is no example.
func fieldPaths(examples []example) []string {
	seen := map[string]bool{}
	var paths []string
	for _, e := range examples {
		d := json.NewDecoder(bytes.NewReader(e.Event))
		d.UseNumber()
		var event any
		if d.Decode(&event) != nil {
			continue // its own test tells what is wrong with it
		}
		walkFields(event, "", func(path string) {
			if !seen[path] {
				seen[path] = true
				paths = append(paths, path)
			}
		})
	}
	return paths
}

func walkFields(v any, path string, found func(string)) {
	object, ok := v.(map[string]any)
	if !ok {
		if path != "" {
			found(path)
		}
		return
	}
	for _, key := range sortedKeys(object) {
		step := pathStep(key)
		if path != "" && step[0] != '[' {
			step = "." + step
		}
		walkFields(object[key], path+step, found)
	}
}

// pathStep writes a key as a step of a path: a.b is a key of its own only as
// ['a.b'].
func pathStep(key string) string {
	if key != "" && !strings.ContainsAny(key, ".[]") {
		return key
	}
	return "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(key) + "']"
}
