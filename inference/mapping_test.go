package inference

import (
	"encoding/json"
	"os"
	"testing"
)

// readMapping reads the mapping.json of a shared model, which documents how its
// expected predictions were made.
func readMapping(t *testing.T, file string) (m mapping) {
	t.Helper()
	var written struct {
		Inputs []struct {
			Name    string
			Dtype   string
			Shape   []*int64
			From    []string
			Missing string
			Pad     *json.Number
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	for _, in := range written.Inputs {
		ti := TensorInfo{Name: in.Name}
		for typ, name := range elementNames {
			if name == in.Dtype {
				ti.Type = ElementType(typ)
			}
		}
		for _, d := range in.Shape {
			if d == nil {
				ti.Shape = append(ti.Shape, Dynamic)
			} else {
				ti.Shape = append(ti.Shape, *d)
			}
		}
		config := Input{Name: in.Name, List: len(in.From) > 1}
		if in.Pad != nil {
			pad := number(in.Pad.String())
			config.Pad = &pad
		}
		for at, from := range in.From {
			col := Column{From: from, At: at}
			if in.Missing == "nan" {
				col.Missing = nan
			}
			config.Columns = append(config.Columns, col)
		}
		m.infos = append(m.infos, ti)
		m.cfg.Inputs = append(m.cfg.Inputs, config)
	}
	return m
}
