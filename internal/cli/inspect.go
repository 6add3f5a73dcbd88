package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/inference/onnxfile"
	"github.com/penstock/penstock/internal/modelgate"
)

type inspectCommand struct {
	Model  string `arg:"" help:"ONNX file."`
	JSON   bool   `help:"Print it as JSON." xor:"form"`
	Config bool   `help:"Print a pipeline file to start from." xor:"form"`
}

// Help is the example that --help shows.
func (inspectCommand) Help() string {
	return `The file is only read, never run: this is safe with models of any origin.

Example:

    penstock inspect fraud.onnx
    penstock inspect fraud.onnx --config > fraud.yaml`
}

// Run shows the model.
func (c *inspectCommand) Run(s *session) error {
	m, err := modelgate.Read(c.Model)
	if err != nil {
		return &refusal{err}
	}
	switch {
	case c.JSON:
		return printModelJSON(s.Out, c.Model, m)
	case c.Config:
		text, err := starter(c.Model, m.File)
		if err != nil {
			return &refusal{err}
		}
		_, err = io.WriteString(s.Out, text)
		return err
	}
	return printModel(s.Out, c.Model, m)
}

func printModel(w io.Writer, path string, m *modelgate.Model) error {
	f := m.File
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = printable(cells[i])
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	row("file", path)
	row("size", count(int64(len(m.Bytes)))+" bytes")
	row("digest", m.Digest)
	row("producer", strings.TrimSpace(f.Producer+" "+f.ProducerVersion))
	row("format", fmt.Sprintf("IR %d, opset %s", f.IRVersion, opsets(f.Opsets)))
	row("nodes", fmt.Sprintf("%s: %s", count(int64(f.Nodes)), operators(f.Operators)))
	if f.InitializerBytes > 0 {
		row("weights", count(f.InitializerBytes)+" bytes")
	}
	if f.Doc != "" {
		row("doc", f.Doc)
	}
	for i, in := range f.Inputs {
		row(title("inputs", i), in.Name, typeText(in, f.InputTypes[i]))
	}
	for i, out := range f.Outputs {
		text := typeText(out, f.OutputTypes[i])
		if out.Classes != nil {
			text += ", classes " + strings.Join(out.Classes, ", ")
		}
		row(title("outputs", i), out.Name, text)
	}
	for i, key := range sortedNames(f.Metadata) {
		row(title("metadata", i), key, f.Metadata[key])
	}
	return t.Flush()
}

// title stands on the first row of a group only.
func title(name string, i int) string {
	if i > 0 {
		return ""
	}
	return name
}

// typeText is the type as penstock sees it, or as the file has it where
// penstock cannot map it.
func typeText(t inference.TensorInfo, declared onnxfile.DeclaredType) string {
	if t.Type == inference.Invalid {
		return declared.String() + ", which penstock cannot map"
	}
	return t.String()
}

func opsets(all []onnxfile.Opset) string {
	var texts []string
	for _, o := range all {
		domain := o.Domain
		if domain == "" {
			domain = "ai.onnx"
		}
		text := fmt.Sprintf("%s %d", domain, o.Version)
		if !slices.Contains(texts, text) { // some exporters write one twice
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

func operators(all map[string]int) string {
	var texts []string
	for _, name := range sortedNames(all) {
		text := name
		if n := all[name]; n > 1 {
			text = fmt.Sprintf("%s ×%d", name, n)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// printableLength is where text from a model is cut.
const printableLength = 400

// printable makes text from a model safe for a terminal: no control sequences,
// one line, not endless.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > printableLength {
		return string(r[:printableLength]) + "…"
	}
	return s
}

// modelJSON is what inspect --json prints.
type modelJSON struct {
	Path            string            `json:"path"`
	Size            int               `json:"size"`
	Digest          string            `json:"digest"`
	Producer        string            `json:"producer"`
	ProducerVersion string            `json:"producer_version"`
	IRVersion       int64             `json:"ir_version"`
	ModelVersion    int64             `json:"model_version"`
	Domain          string            `json:"domain"`
	Graph           string            `json:"graph"`
	Doc             string            `json:"doc"`
	Opsets          []opsetJSON       `json:"opsets"`
	Inputs          []tensorJSON      `json:"inputs"`
	Outputs         []tensorJSON      `json:"outputs"`
	Nodes           int               `json:"nodes"`
	Operators       map[string]int    `json:"operators"`
	WeightBytes     int64             `json:"weight_bytes"`
	Metadata        map[string]string `json:"metadata"`
}

type opsetJSON struct {
	Domain  string `json:"domain"`
	Version int64  `json:"version"`
}

type tensorJSON struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	Shape []*int64 `json:"shape"` // null where the axis is open; the whole is null where the rank is unknown
	// Declared is the type as the file writes it, with the names of open axes.
	Declared string   `json:"declared"`
	Map      bool     `json:"map,omitempty"` // a sequence of maps from class to type
	Classes  []string `json:"classes,omitempty"`
}

func printModelJSON(w io.Writer, path string, m *modelgate.Model) error {
	f := m.File
	out := modelJSON{
		Path: path, Size: len(m.Bytes), Digest: m.Digest, Producer: f.Producer, ProducerVersion: f.ProducerVersion,
		IRVersion: f.IRVersion, ModelVersion: f.ModelVersion, Domain: f.Domain, Graph: f.GraphName, Doc: f.Doc,
		Inputs: tensorsJSON(f.Inputs, f.InputTypes), Outputs: tensorsJSON(f.Outputs, f.OutputTypes),
		Nodes: f.Nodes, Operators: f.Operators, WeightBytes: f.InitializerBytes, Metadata: f.Metadata,
	}
	for _, o := range f.Opsets {
		out.Opsets = append(out.Opsets, opsetJSON{o.Domain, o.Version})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

func tensorsJSON(infos []inference.TensorInfo, declared []onnxfile.DeclaredType) []tensorJSON {
	out := make([]tensorJSON, len(infos))
	for i, info := range infos {
		out[i] = tensorJSON{
			Name: info.Name, Type: info.Type.String(), Declared: declared[i].String(), Map: info.Map, Classes: info.Classes,
		}
		if info.Shape != nil {
			out[i].Shape = make([]*int64, len(info.Shape))
		}
		for axis, n := range info.Shape {
			if n != inference.Dynamic {
				out[i].Shape[axis] = &n
			}
		}
	}
	return out
}
