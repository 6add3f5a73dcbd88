package config

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock/penstock/inference"
)

// modelPart is the file's model: part; config turns it into what the package
// inference takes.
type modelPart struct {
	Name    string `key:"name" doc:"Default: the file's base name without extension."`
	Version string `key:"version" doc:"Default: the first 12 hex digits of the file's sha256."`
	Path    Path   `key:"path" required:"true" example:"fraud.onnx" doc:"The ONNX file."`
	SHA256  string `key:"sha256" doc:"The file's sha256 in hex; a file with another one is refused."`
	Runtime string `key:"runtime" default:"auto" enum:"auto,onnxruntime" doc:"What runs the model."`

	IntraOpNumThreads int           `key:"intra_op_num_threads" default:"1" min:"1" max:"1024" doc:"Threads within one run. 1 suits small models, which gain more from workers."`
	Device            string        `key:"device" default:"cpu" doc:"cpu, cuda, or cuda:1 for the second GPU."`
	Timeout           time.Duration `key:"timeout" default:"2s" min:"1ms" doc:"Longest time of one run."`

	Inputs   inputs     `key:"inputs" doc:"Where each of the model's inputs takes its values from. An input not named here is taken from the event's field of its own name."`
	Output   outputPart `key:"output" doc:"What a prediction says. A key left out is found from the model's outputs."`
	Examples Path       `key:"examples" doc:"JSON lines of golden examples for penstock test: {\"event\": {…}, \"expect\": {\"score\": 0.93, \"label\": 1}, \"tolerance\": 1e-4}."`
}

func (m *modelPart) config() inference.Config {
	name := m.Name
	if name == "" && m.Path != "" {
		base := filepath.Base(string(m.Path))
		name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	return inference.Config{
		Name:              name,
		Version:           m.Version,
		Path:              string(m.Path),
		SHA256:            strings.ToLower(strings.TrimPrefix(m.SHA256, "sha256:")),
		Runtime:           m.Runtime,
		IntraOpNumThreads: m.IntraOpNumThreads,
		Device:            m.Device,
		Timeout:           m.Timeout,
		Inputs:            m.Inputs,
		Output:            m.Output.config(),
		Examples:          string(m.Examples),
	}
}

// outputPart is the file's model.output part.
type outputPart struct {
	Score   string   `key:"score" doc:"The output that is the score, such as probabilities[1]."`
	Label   string   `key:"label" doc:"The output that is the label."`
	Include include  `key:"include" doc:"Outputs copied under their own names: a list, or all."`
	Pass    []string `key:"pass" doc:"Paths of event fields that are copied onto the prediction as they came."`
}

func (o *outputPart) config() inference.Output {
	return inference.Output{Score: o.Score, Label: o.Label, Include: o.Include.Include, Pass: o.Pass}
}

// include is all or a list of names; nil when it was left out.
type include struct{ *inference.Include }

func (i *include) decode(d *decoder, n *node, path []string) {
	switch {
	case n.kind == scalarNode && n.text == "all":
		i.Include = &inference.Include{All: true}
	case n.kind == listNode:
		var names []string
		d.list(n, settable(&names), field{key: "include"}, path)
		i.Include = &inference.Include{Names: names}
	default:
		d.wrong(n, path, "include must be all or a list of outputs, such as [probabilities], not %s", n.shown())
	}
}
