package inference

import (
	"encoding/json"
	"strings"
)

// implied is the mapping of an input that the config does not name, and why it
// is that, for messages.
func (c *compiler) implied(info *TensorInfo) (in *Input, why string) {
	if len(info.Shape) == 2 && len(c.features) > 0 && (info.Shape[1] != 1 || len(c.features) == 1 && c.soleMatrix()) {
		if d := info.Shape[1]; d == Dynamic || d == int64(len(c.features)) {
			in = &Input{Name: info.Name, List: true}
			for at, name := range c.features {
				in.Columns = append(in.Columns, Column{From: pathOrKey(name).String(), At: at})
			}
			return in, " is mapped by the model's feature_names"
		}
		c.warn(inputPath(info.Name), "name its columns under model.inputs",
			"%s: the model's feature_names are not used, there are %d of them", inputWords(info), len(c.features))
	}
	in = &Input{Name: info.Name, Columns: []Column{{From: path{{key: info.Name, index: -1}}.String(), At: -1}}}
	return in, " is not mapped, so it is taken from the field of its own name"
}

// soleMatrix tells whether the model has one input of two axes that the config
// does not name. Of several columns [N,1], as exported pipelines have, each has
// its own name, so that feature_names of one name says nothing about which.
func (c *compiler) soleMatrix() bool {
	found := 0
	for i := range c.infos {
		if info := &c.infos[i]; len(info.Shape) == 2 && c.written(info.Name) == nil {
			found++
		}
	}
	return found == 1
}

// readFeatureNames reads feature_names of the model's metadata: a JSON array, or
// paths with commas between them.
func (c *compiler) readFeatureNames() {
	text := strings.TrimSpace(c.opt.Metadata["feature_names"])
	if text == "" {
		return
	}
	if text[0] == '[' {
		var names []string
		if json.Unmarshal([]byte(text), &names) == nil {
			c.features = names
			return
		}
	}
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		names = append(names, strings.TrimSpace(name))
	}
	// A path may begin with a bracket too: ['a.b'],c.
	if _, err := parsePath(names[0]); err != nil && text[0] == '[' {
		c.warn([]string{"model", "path"}, "name the columns under model.inputs", "the model's feature_names are no list of texts, so they are not used")
		return
	}
	c.features = names
}
