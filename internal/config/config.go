package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// maxFileBytes is far more than a pipeline's file needs; what is larger is
// some other file.
const maxFileBytes = 1 << 20

// Purpose is what a file is read for; it decides which parts must be there.
type Purpose uint8

// The purposes.
const (
	// ForLint wants model:, and all that ForRun wants as soon as there is a
	// broker, source or sink. Without them it warns that this is not enough to
	// run.
	ForLint Purpose = iota
	// ForModel wants model: only, for predict, test, bench and drift. Other
	// parts may be there; their keys and types are checked, but not whether
	// they are complete, and their variables may be unset.
	ForModel
	// ForRun wants name, broker, source, sink and model.
	ForRun
)

// Options say how to read a file. The zero value lints it with the process's
// environment.
type Options struct {
	Purpose Purpose
	Set     []string                         // path=value, in the order to apply them
	Lookup  func(name string) (string, bool) // of variables; nil is os.LookupEnv
}

// File is a pipeline's file as it was read. It is not changed afterwards and
// may be used from several goroutines.
type File struct {
	Path string // as it was given
	// Pipeline is the file with its defaults. It is only whole when the file
	// has not Failed.
	Pipeline Pipeline

	model    modelPart // what Pipeline.Model was made from
	problems problems
	root     *node // nil when the text could not be parsed
}

// Load reads a pipeline's file. The error is for a file that cannot be read
// at all; what is wrong within it is told by Failed and Render.
func Load(path string, o Options) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("read config: %s is larger than 1 MiB; is it a pipeline's file?", path)
	}
	return read(path, text, o), nil
}

// read does all of Load but the reading of the file.
func read(path string, text []byte, o Options) *File {
	f := &File{Path: path}
	if f.root = parse(text, &f.problems); f.root == nil {
		return f
	}
	for _, set := range o.Set {
		apply(f.root, set, &f.problems)
	}
	f.expand(o)

	var doc document
	d := newDecoder(filepath.Dir(path), &f.problems)
	d.structure(f.root, settable(&doc), nil)
	f.Pipeline = doc.Pipeline
	f.model = doc.Model
	f.Pipeline.Model = doc.Model.config()

	v := validator{file: f, bad: d.bad}
	v.validate(o.Purpose)
	if f.Pipeline.Source.Group == "" {
		f.Pipeline.Source.Group = f.Pipeline.Name
	}
	return f
}

// expand replaces the variables. Scoring files needs the model's only; those
// of the other parts may be set nowhere but where the pipeline runs.
func (f *File) expand(o Options) {
	lookup := o.Lookup
	if lookup == nil {
		lookup = os.LookupEnv
	}
	x := expander{out: &f.problems, lookup: lookup}
	for _, e := range f.root.entries {
		if o.Purpose == ForModel && e.key != "model" {
			x.besideModel(e, reflect.TypeFor[document]())
		} else {
			x.expand(e.value, mustBeSet)
		}
	}
}

// has tells whether a top-level part was given, and is not empty.
func (f *File) has(key string) bool {
	e := f.root.entry(key)
	return e != nil && (e.value.kind != scalarNode || e.value.text != "" && !e.value.null())
}

// andList writes a, b and c.
func andList(names []string) string {
	i := len(names) - 1
	if i == 0 {
		return names[0]
	}
	return strings.Join(names[:i], ", ") + " and " + names[i]
}
