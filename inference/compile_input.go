package inference

import (
	"fmt"
	"strings"
)

// maxRowElements bounds what one row of one input may hold.
const maxRowElements = 1 << 28

// input maps the i-th input of the model, unless it is a mask.
func (c *compiler) input(i int) {
	info, in := &c.infos[i], &c.plan.inputs[i]
	in.info, in.maskOf = *info, -1
	written := c.written(info.Name)
	c.why = ""
	if !c.mappable(info) {
		return
	}
	c.batchAxis(info)
	switch {
	case written == nil:
		written, c.why = c.implied(info)
	case written.MaskOf != "":
		return // when its source is mapped
	case len(written.Columns) == 0:
		c.report(inputPath(info.Name), fmt.Sprintf("for example  %s: field", info.Name), "%s has no path", inputWords(info))
		return
	}
	if !c.setLayout(in, written) {
		return
	}
	if written.Pad != nil {
		if in.layout == columnsLayout || len(in.dims) > 1 {
			c.report(inputPath(info.Name, "pad"), "", "%s takes no pad, which is for one array a row", inputWords(info))
			return
		}
		var why string
		in.padded = true
		if in.pad, why = literal(in, written.Pad); why != "" {
			c.report(inputPath(info.Name, "pad"), "", "%s: pad: %s", inputWords(info), why)
		}
	}
	for at := range written.Columns {
		c.column(i, at, &written.Columns[at])
	}
}

// written is what the config says about an input, nil when it does not name it.
func (c *compiler) written(name string) *Input {
	for i := range c.cfg.Inputs {
		if c.cfg.Inputs[i].Name == name {
			return &c.cfg.Inputs[i]
		}
	}
	return nil
}

// mappable reports inputs that no event can fill.
func (c *compiler) mappable(info *TensorInfo) bool {
	why := ""
	switch {
	case info.Map || info.Type == Invalid:
		why = "is of a type that events cannot fill"
	case info.Shape == nil:
		why = "does not say how many axes it has"
	case len(info.Shape) == 0:
		why = "has no batch axis"
	}
	elements := int64(1)
	for i, d := range info.Shape {
		if d == 0 || d < Dynamic {
			why = "has an axis of no length"
		} else if i > 0 && d > 0 {
			elements = min(elements*min(d, maxRowElements+1), maxRowElements+1)
		}
	}
	if elements > maxRowElements {
		why = fmt.Sprintf("holds more than %d elements a row", maxRowElements)
	}
	if why != "" {
		c.report(inputPath(info.Name), "", "%s %s, so it cannot be mapped", inputWords(info), why)
	}
	return why == ""
}

// batchAxis takes note of a fixed batch size, on which all inputs must agree.
func (c *compiler) batchAxis(info *TensorInfo) {
	rows := int(info.Shape[0])
	switch {
	case rows < 0:
	case c.static == "":
		c.plan.staticRows, c.static = rows, info.Name
	case rows != c.plan.staticRows:
		c.report(inputPath(info.Name), "", "%s takes batches of %d rows, but input %q takes %d",
			inputWords(info), rows, c.static, c.plan.staticRows)
	}
}

// setLayout decides how a row is filled, from the shape and from how the
// mapping is written.
func (c *compiler) setLayout(in *plannedInput, written *Input) bool {
	info, row := &in.info, in.info.Shape[1:]
	at := inputPath(info.Name)
	open := 0
	for _, d := range row {
		if d == Dynamic {
			open++
		}
	}
	columns := int64(len(written.Columns))
	switch {
	case open > 1 || open == 1 && len(row) > 1:
		c.report(at, "export the model with a fixed length there",
			"%s has an axis of open length that no event can fill, so it cannot be mapped", inputWords(info))
		return false
	case len(row) == 0 && columns > 1:
		c.report(at, "", "%s takes one value a row, but %d paths are given", inputWords(info), columns)
		return false
	case len(row) == 0:
		in.width = 1
	case written.List && len(row) > 1:
		c.report(at, "give the path of one field that holds nested arrays", "%s cannot be filled from a list of paths", inputWords(info))
		return false
	case written.List && open == 0 && columns != row[0]:
		c.report(at, "", "%s has a row of %d, but %d paths are given", inputWords(info), row[0], columns)
		return false
	case written.List:
		in.width, in.dims = len(written.Columns), []int{len(written.Columns)}
	case open == 1:
		in.layout = raggedLayout
		if written.Pad == nil {
			c.report(at, c.padHint(info), "%s is filled from arrays of any length, so it needs a pad value (or a list of paths, one a column)",
				inputWords(info))
			return false
		}
	default:
		in.width = 1
		for _, d := range row {
			in.dims = append(in.dims, int(d))
			in.width *= int(d)
		}
		if len(row) > 1 || row[0] > 1 {
			in.layout = arrayLayout
		}
	}
	return true
}

// padHint is an example line for an input of open length.
func (c *compiler) padHint(info *TensorInfo) string {
	if strings.HasSuffix(info.Name, "mask") {
		for i := range c.infos {
			if other := &c.infos[i]; other.Name != info.Name && len(other.Shape) == 2 && other.Shape[1] == Dynamic {
				return fmt.Sprintf("for example  %s: {mask_of: %s}", info.Name, other.Name)
			}
		}
	}
	from, pad := info.Name, "0"
	if written := c.written(info.Name); written != nil && len(written.Columns) == 1 {
		from = written.Columns[0].From
	}
	switch info.Type {
	case String:
		pad = `""`
	case Bool:
		pad = "false"
	}
	return fmt.Sprintf("for example  %s: {from: %s, pad: %s}", info.Name, from, pad)
}

// column maps one field to a column of an input, or to a whole row of it.
func (c *compiler) column(input, at int, col *Column) {
	in := &c.plan.inputs[input]
	t := target{kind: arrayTarget, input: input, column: at, coerce: col.Coerce, policy: col.Missing.Policy}
	if in.layout == columnsLayout {
		t.kind = cellTarget
	}
	words, why := inputWords(&in.info), ""
	if col.Missing.Policy == MissingFill {
		t.fill, why = literal(in, &col.Missing.Fill)
	} else if col.Missing.Policy == MissingNaN {
		if t.fill, why = floatLiteral(in.info.Type, "nan"); !in.info.Type.Float() {
			why = "nan is for floating point inputs"
		}
	}
	if why != "" {
		c.report(columnPath(in.info.Name, col, "missing"), "", "%s: missing: %s", words, why)
	}
	if col.Coerce && (in.info.Type == String || in.info.Type == Bool) {
		c.warn(columnPath(in.info.Name, col, "coerce"), "", "%s: coerce is for numeric inputs and does nothing here", words)
	}
	place, user := columnPath(in.info.Name, col, "from"), words
	if c.why != "" {
		place, user = inputPath(in.info.Name), words+c.why
	}
	if node, ok := c.leaf(place, col.From, user, col.Missing.Policy == MissingReject); ok {
		in.fields = append(in.fields, node)
		c.addTarget(node, t)
	}
}
