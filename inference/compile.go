package inference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock/penstock/internal/nearest"
)

// CompileOptions is what a mapping depends on besides the config and the
// model's inputs.
type CompileOptions struct {
	// Metadata is the model's; feature_names in it, comma-separated or a JSON
	// array, maps a matrix that the config does not name.
	Metadata map[string]string
	// EventTime is the path of the event's time, "" when it has none.
	EventTime string
	// Fields are the paths of the fields that examples have. When it is not
	// nil, a path that none of them has is a problem, with a near one as hint.
	Fields []string
	// Watch are fields that Batch.WatchedNumber and WatchedText read, whether the
	// model uses them or not.
	Watch []Watched
	// MaxRows is batch.max_rows; a batch of so many rows must fit the memory that
	// it may take. 0 leaves that unchecked.
	MaxRows int
}

// Watched is a field of the event that is looked at beside the model's.
type Watched struct {
	From string   // path
	At   []string // its place in the config
}

// Compile makes the plan that maps events to the model's inputs. It gives all
// problems at once, warnings too; the plan is nil when any is an error.
func Compile(cfg *Config, inputs []TensorInfo, opt CompileOptions) (*Plan, []Problem) {
	c := compiler{
		cfg: cfg, opt: opt, infos: inputs,
		plan:  &Plan{time: -1, inputs: make([]plannedInput, len(inputs))},
		known: map[string]int{},
	}
	c.plan.nodes = []plannedNode{{}}
	c.readFields()
	c.readFeatureNames()
	c.checkNames()
	for i := range inputs {
		c.input(i)
	}
	for i := range inputs {
		c.mask(i)
	}
	c.batchSize()
	c.eventTime()
	c.passedFields()
	c.watchedFields()
	c.checkSeen()
	if slices.ContainsFunc(c.problems, func(p Problem) bool { return !p.Warning }) {
		return nil, c.problems
	}
	return c.plan, c.problems
}

type compiler struct {
	cfg      *Config
	opt      CompileOptions
	infos    []TensorInfo
	plan     *Plan
	problems []Problem

	known      map[string]int // canonical path → node
	seen       []path         // of opt.Fields
	features   []string       // feature_names
	static     string         // the input that set staticRows
	referenced []reference    // every path that was mapped
	why        string         // why the input at hand is mapped as it is, if the config does not name it
}

// reference is one use of a path, kept until all are known to be compared with
// the examples.
type reference struct {
	at       []string // in the config
	path     path
	text     string
	user     string // what needs the path, for the message
	required bool   // without it an event is rejected
}

func (c *compiler) report(at []string, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *compiler) warn(at []string, hint, format string, args ...any) {
	c.report(at, hint, format, args...)
	c.problems[len(c.problems)-1].Warning = true
}

// inputPath is the place of an input in the config, or of something within it.
func inputPath(name string, more ...string) []string {
	return append([]string{"model", "inputs", name}, more...)
}

// columnPath is the place of a column's key in the config.
func columnPath(input string, col *Column, key string) []string {
	if col.At >= 0 {
		return inputPath(input, strconv.Itoa(col.At), key)
	}
	return inputPath(input, key)
}

// inputWords name an input in a message, with its type and shape.
func inputWords(info *TensorInfo) string { return fmt.Sprintf("input %q (%s)", info.Name, info) }

func (c *compiler) inputNames() []string {
	names := make([]string, len(c.infos))
	for i := range c.infos {
		names[i] = c.infos[i].Name
	}
	return names
}

// checkNames finds inputs in the config that the model does not have.
func (c *compiler) checkNames() {
	names := c.inputNames()
	for i := range c.cfg.Inputs {
		name := c.cfg.Inputs[i].Name
		if !slices.Contains(names, name) {
			c.report(inputPath(name), nearest.Hint(name, names, "the model's inputs: "+strings.Join(names, ", ")),
				"the model has no input %q", name)
		}
		for _, earlier := range c.cfg.Inputs[:i] {
			if earlier.Name == name {
				c.report(inputPath(name), "", "input %q is mapped twice", name)
			}
		}
	}
}

// readFields parses the examples' field paths; what is no path is a key.
func (c *compiler) readFields() {
	for _, text := range c.opt.Fields {
		c.seen = append(c.seen, pathOrKey(text))
	}
}

// pathOrKey reads names that people did not write as paths: a CSV header, a
// model's metadata. "price [EUR]" is no path, so it is the key itself.
func pathOrKey(text string) path {
	if p, err := parsePath(text); err == nil {
		return p
	}
	return path{{key: text, index: -1}}
}

// checkSeen compares the mapped paths with the fields that the examples have. A
// field that none has is an error only if it costs every event.
func (c *compiler) checkSeen() {
	if c.opt.Fields == nil {
		return
	}
	for _, r := range c.referenced {
		if slices.ContainsFunc(c.seen, r.path.within) {
			continue
		}
		hint := nearest.Hint(r.text, c.opt.Fields, "")
		if r.required {
			c.report(r.at, hint, "%s: no example has the field %s", r.user, r.text)
		} else {
			c.warn(r.at, hint, "%s: no example has the field %s", r.user, r.text)
		}
	}
}

// eventTime maps source.event_time.
func (c *compiler) eventTime() {
	if c.opt.EventTime == "" {
		return
	}
	at := []string{"source", "event_time"}
	if node, ok := c.leaf(at, c.opt.EventTime, "event time", false); ok {
		c.plan.time = node
		c.addTarget(node, target{kind: timeTarget})
	}
}

// passedFields maps model.output.pass.
func (c *compiler) passedFields() {
	for i, text := range c.cfg.Output.Pass {
		at := []string{"model", "output", "pass", strconv.Itoa(i)}
		if slices.Contains(c.cfg.Output.Pass[:i], text) {
			c.warn(at, "", "%s is passed twice", text)
			continue
		}
		if node, ok := c.leaf(at, text, "pass", false); ok {
			c.addTarget(node, target{kind: passTarget, input: len(c.plan.pass)})
			c.plan.pass = append(c.plan.pass, passedField{node: node, key: appendText(nil, []byte(text))})
		}
	}
	c.plan.shown = len(c.plan.pass)
}

// watchedFields maps what is looked at beside the model's inputs.
func (c *compiler) watchedFields() {
	for i := range c.opt.Watch {
		w := &c.opt.Watch[i]
		if node, ok := c.leaf(w.At, w.From, "watch", false); ok {
			c.addTarget(node, target{kind: passTarget, input: len(c.plan.pass)})
			c.plan.pass = append(c.plan.pass, passedField{node: node})
		}
	}
}
