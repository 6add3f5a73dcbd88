package inference

import (
	"encoding/json"
	"strings"
)

// implied is the mapping of an input that the config does not name, and why it
// is that, for messages.
func (c *compiler) implied(info *TensorInfo) (in *Input, why string) {
	if len(info.Shape) == 2 && info.Shape[1] != 1 && len(c.features) > 0 {
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

// readFeatureNames reads feature_names of the model's metadata.
func (c *compiler) readFeatureNames() {
	text := strings.TrimSpace(c.opt.Metadata["feature_names"])
	if text == "" {
		return
	}
	if json.Unmarshal([]byte(text), &c.features) == nil {
		return
	}
	for name := range strings.SplitSeq(text, ",") {
		c.features = append(c.features, strings.TrimSpace(name))
	}
}
