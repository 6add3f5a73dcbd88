package inference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock/penstock/internal/nearest"
)

// scoreRef is the config's score taken apart: OUTPUT, OUTPUT[3] or
// OUTPUT['class'].
type scoreRef struct {
	written string
	output  *TensorInfo
	index   int    // -1 when there is none
	class   string // the text between the brackets
	quoted  bool
}

// pickScore looks up what the config calls the score. With a label a whole
// matrix will do: its column is then chosen as for a detected classifier.
func (c *outputCompiler) pickScore(written string, labelled bool) scorePick {
	pick := scorePick{configured: true}
	name, subscript, bracket := c.splitScore(written)
	pick.output = c.find(name)
	if pick.output < 0 {
		c.unknown(name, "score")
		return pick
	}
	ref := scoreRef{written: written, output: &c.outputs[pick.output], index: -1}
	if o := ref.output; !o.Type.Float() && !o.Type.Integer() || len(o.Shape) > 2 {
		c.fail(written, "a score is one number a row; this output is "+o.String(), c.list(), "score")
		return pick
	}
	if !bracket {
		c.pickWhole(&ref, labelled, &pick)
		return pick
	}
	if !ref.parse(subscript) {
		c.fail(written, "between the brackets stands an index from 0 or a quoted class",
			fmt.Sprintf("a class is written %s['%s']", name, strings.Trim(subscript, `'"`)), "score")
		return pick
	}
	if ref.quoted || ref.output.Map {
		c.pickClass(&ref, &pick)
	} else {
		c.pickColumn(&ref, &pick)
	}
	return pick
}

// splitScore cuts the score at the bracket behind an output's name, which may
// hold brackets itself.
func (c *outputCompiler) splitScore(written string) (name, subscript string, bracket bool) {
	if c.find(written) >= 0 || !strings.HasSuffix(written, "]") {
		return written, "", false
	}
	cut := strings.IndexByte(written, '[')
	for _, o := range c.outputs {
		if strings.HasPrefix(written, o.Name+"[") && len(o.Name) > cut {
			cut = len(o.Name)
		}
	}
	if cut < 0 {
		return written, "", false
	}
	return written[:cut], written[cut+1 : len(written)-1], true
}

// parse reads the text between the brackets.
func (r *scoreRef) parse(text string) bool {
	if n := len(text); n >= 2 && (text[0] == '\'' || text[0] == '"') && text[n-1] == text[0] {
		r.class, r.quoted = text[1:n-1], true
		return true
	}
	index, err := strconv.ParseUint(text, 10, 31)
	r.class, r.index = text, int(index)
	return err == nil
}

// pickWhole takes an output without brackets.
func (c *outputCompiler) pickWhole(r *scoreRef, labelled bool, pick *scorePick) {
	o := r.output
	columns := columnsOf(o)
	switch {
	case !o.Map && oneColumn(o) && o.Shape != nil:
		pick.kind = plainScore
	case labelled:
		pick.kind = predictedScore
	case o.Map || columns >= 0:
		hint := fmt.Sprintf("write %s[0] for the first column", o.Name)
		if len(o.Classes) > 0 {
			hint = fmt.Sprintf("write %s['%s'] or another class", o.Name, o.Classes[len(o.Classes)-1])
		}
		c.fail(r.written, "a score is one number a row; this output is "+o.String()+" and there is no label to choose its column by", hint, "score")
	default: // a run tells whether it is one column
		pick.kind = plainScore
	}
}

// pickClass takes the column of a class. For a map, whose columns are known by
// their classes, [1] is the class 1 and only then the position.
func (c *outputCompiler) pickClass(r *scoreRef, pick *scorePick) {
	o := r.output
	at := slices.Index(o.Classes, r.class)
	if at < 0 && r.index < len(o.Classes) {
		at = r.index // still -1 for a quoted class
	}
	switch {
	case at >= 0 && o.Map: // by its text all the same: a run brings its own order
		pick.kind, pick.column, pick.class = classScore, -1, o.Classes[at]
	case at >= 0:
		pick.kind, pick.column = columnScore, at
	case o.Classes == nil && o.Map:
		pick.kind, pick.column, pick.class = classScore, r.index, r.class
	case o.Classes == nil:
		c.fail(r.written, "the model does not tell the classes of this output's columns",
			fmt.Sprintf("write the column's index, %s[0] for the first", o.Name), "score")
	default:
		hint := nearest.Hint(r.class, o.Classes, "the classes are "+strings.Join(o.Classes, ", "))
		c.fail(r.written, fmt.Sprintf("output %s has no class %q", o.Name, r.class), hint, "score")
	}
}

// pickColumn takes a column of a matrix by its position.
func (c *outputCompiler) pickColumn(r *scoreRef, pick *scorePick) {
	pick.kind, pick.column = columnScore, r.index
	if columns := columnsOf(r.output); columns >= 0 && r.index >= columns {
		hint := fmt.Sprintf("the last one is %s[%d]", r.output.Name, columns-1)
		if columns == 1 {
			hint = "write " + r.output.Name
		}
		c.fail(r.written, fmt.Sprintf("the index is past the last column; this output is %s", r.output), hint, "score")
	}
}

// columnsOf is the number of columns as far as the model tells it, -1 when it
// does not.
func columnsOf(o *TensorInfo) int {
	switch {
	case o.Classes != nil:
		return len(o.Classes)
	case o.Shape == nil || o.Map:
		return -1
	case len(o.Shape) < 2:
		return 1
	default:
		return int(o.Shape[1]) // Dynamic is -1
	}
}
