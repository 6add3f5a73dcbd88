package inference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock/penstock/internal/nearest"
)

// OutputPlan is what a prediction says: which outputs are its score and its
// label, and which are copied. It is immutable and shared by all workers.
type OutputPlan struct {
	outputs []plannedOutput // all the model's, in its order
	score   scorePick
	label   labelPick
	include []int // outputs to copy, in the order they are written
	// detected is true when no config names the copied outputs: then a
	// detected headline that a run does not fit is copied as well.
	detected bool
}

// plannedOutput is one of the model's outputs with its texts as JSON.
type plannedOutput struct {
	info TensorInfo
	key  string // "probabilities":
	flag string // "non_finite:probabilities"
	// wanted outputs are part of predictions, or may become it: what detection
	// takes for the headline is copied where a run does not fit it.
	wanted bool
}

// CompileOutput makes the plan for the outputs that a model declares: what cfg
// names, and what it leaves out as detection finds it. Problems are reported
// all at once; the plan is nil when one of them is an error.
func CompileOutput(cfg *Output, outputs []TensorInfo) (*OutputPlan, []Problem) {
	c := outputCompiler{outputs: outputs}
	found := detect(outputs)
	p := &OutputPlan{score: found.score, label: found.label}
	if cfg.Label != "" {
		p.label = c.pickLabel(cfg.Label)
	}
	if cfg.Score != "" {
		p.score = c.pickScore(cfg.Score, p.label.output >= 0)
	}
	if cfg.Include != nil {
		p.include = c.pickIncluded(cfg.Include)
	} else {
		p.detected = true
		p.include = slices.DeleteFunc(found.copied, func(o int) bool {
			return o == p.label.output || p.score.kind == plainScore && o == p.score.output
		})
	}
	for _, o := range p.include {
		if outputs[o].Type == Invalid {
			c.fail("", fmt.Sprintf("output %s is %v, which cannot be written as JSON", outputs[o].Name, outputs[o]),
				"name the outputs to copy in model.output.include and leave it out", "include")
		}
	}
	if p.score.kind == noScore && p.label.output < 0 && len(p.include) == 0 && len(c.problems) == 0 {
		c.problems = append(c.problems, Problem{
			Path: []string{"model", "output"}, Warning: true,
			Message: "predictions have no score, no label and no outputs", Hint: c.list(),
		})
	}
	if slices.ContainsFunc(c.problems, func(p Problem) bool { return !p.Warning }) {
		return nil, c.problems
	}
	for _, o := range outputs {
		p.outputs = append(p.outputs, plannedOutput{
			info: o,
			key:  string(appendText(nil, []byte(o.Name))) + ":",
			flag: string(appendText(nil, []byte("non_finite:"+o.Name))),
		})
	}
	p.markWanted()
	return p, c.problems
}

// HasScore tells whether predictions have a score, as far as the model's
// declaration goes.
func (p *OutputPlan) HasScore() bool { return p.score.kind != noScore }

// HasLabel tells the same of a label.
func (p *OutputPlan) HasLabel() bool { return p.label.output >= 0 }

func (p *OutputPlan) markWanted() {
	wanted := slices.Concat(p.include, p.score.members)
	if p.score.kind != noScore {
		wanted = append(wanted, p.score.output)
	}
	if p.label.output >= 0 {
		wanted = append(wanted, p.label.output)
	}
	for _, o := range wanted {
		p.outputs[o].wanted = true
	}
}

// outputCompiler collects problems while the config's keys are looked up.
type outputCompiler struct {
	outputs  []TensorInfo
	problems []Problem
}

// fail reports an error at model.output and the keys below it.
func (c *outputCompiler) fail(written, message, hint string, keys ...string) {
	if written != "" {
		message = strconv.Quote(written) + ": " + message
	}
	c.problems = append(c.problems, Problem{
		Path: append([]string{"model", "output"}, keys...), Message: message, Hint: hint,
	})
}

func (c *outputCompiler) find(name string) int {
	return slices.IndexFunc(c.outputs, func(o TensorInfo) bool { return o.Name == name })
}

// unknown reports a name that no output has.
func (c *outputCompiler) unknown(name string, keys ...string) {
	names := make([]string, len(c.outputs))
	for i, o := range c.outputs {
		names[i] = o.Name
	}
	c.fail("", fmt.Sprintf("the model has no output %q", name), nearest.Hint(name, names, c.list()), keys...)
}

// list names the outputs with their types, for hints.
func (c *outputCompiler) list() string {
	var b strings.Builder
	b.WriteString("the model's outputs are ")
	for i, o := range c.outputs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(o.Name + " " + o.String())
	}
	return b.String()
}

// pickLabel looks up what the config calls the label: an integer, string or
// bool a row.
func (c *outputCompiler) pickLabel(name string) labelPick {
	i := c.find(name)
	if i < 0 {
		c.unknown(name, "label")
		return labelPick{output: -1}
	}
	o := &c.outputs[i]
	open := len(o.Shape) == 2 && o.Shape[1] == Dynamic // a run decides
	if o.Map || !labelType(o.Type) || !oneColumn(o) && !open {
		c.fail(name, "a label is one integer, string or bool a row; this output is "+o.String(), c.list(), "label")
	}
	return labelPick{output: i, configured: true}
}

func labelType(t ElementType) bool { return t.Integer() || t == String || t == Bool }

// pickIncluded looks up the outputs to copy.
func (c *outputCompiler) pickIncluded(in *Include) []int {
	picked := []int{}
	if in.All {
		for i := range c.outputs {
			picked = append(picked, i)
		}
		return picked
	}
	for at, name := range in.Names {
		place := []string{"include", strconv.Itoa(at)}
		switch i := c.find(name); {
		case i < 0:
			c.unknown(name, place...)
		case slices.Contains(picked, i):
			c.fail(name, "the output is listed twice", "", place...)
		default:
			picked = append(picked, i)
		}
	}
	return picked
}
