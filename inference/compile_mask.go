package inference

import (
	"strings"

	"github.com/penstock/penstock/internal/nearest"
)

// mask maps the i-th input of the model if it is a mask.
func (c *compiler) mask(i int) {
	info, in := &c.infos[i], &c.plan.inputs[i]
	written := c.written(info.Name)
	if written == nil || written.MaskOf == "" {
		return
	}
	at, names := inputPath(info.Name, "mask_of"), c.inputNames()
	source := -1
	for j, name := range names {
		if name == written.MaskOf {
			source = j
		}
	}
	if source < 0 {
		c.report(at, nearest.Hint(written.MaskOf, names, "the model's inputs: "+strings.Join(names, ", ")),
			"%s: the model has no input %q", inputWords(info), written.MaskOf)
		return
	}
	of := &c.plan.inputs[source]
	other := c.written(written.MaskOf)
	switch {
	case other != nil && other.MaskOf != "":
		c.report(at, "", "%s: %s is itself a mask", inputWords(info), written.MaskOf)
	case info.Type == String:
		c.report(at, "", "%s: a mask is of numbers or bools, not of strings", inputWords(info))
	case len(of.fields) > 0 && !maskFits(info, of):
		c.report(at, "", "%s: its shape is not that of %s", inputWords(info), inputWords(&of.info))
	default:
		in.maskOf, in.layout, in.dims, in.width = source, of.layout, of.dims, of.width
	}
}

// maskFits tells whether a mask of the given shape can be laid out as rows of
// its source are.
func maskFits(info *TensorInfo, of *plannedInput) bool {
	if len(info.Shape) != len(of.info.Shape) {
		return false
	}
	for i, d := range info.Shape[min(1, len(info.Shape)):] {
		if d != Dynamic && (of.layout == raggedLayout || i >= len(of.dims) || d != int64(of.dims[i])) {
			return false
		}
	}
	return true
}
