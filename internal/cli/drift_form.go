package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/driftfile"
	"github.com/penstock/penstock/internal/driftview"
)

// driftForm is how reports are given out.
type driftForm struct {
	out   *outfile
	json  *json.Encoder   // nil: they are shown together, at the end
	view  *driftview.View // nil with json
	page  bool
	style driftview.Style
}

func (c *driftReportCommand) form(s *session, p *driftPlan, to *driftfile.Comparison) (*driftForm, error) {
	f := &driftForm{out: &outfile{Writer: s.Out, name: "stdout"}, page: c.HTML != ""}
	if f.page && c.HTML != "-" {
		var err error
		if f.out, err = createOutfile(c.HTML); err != nil {
			return nil, err
		}
	}
	doubt := to.Reference.Doubt(to.Windows)
	if c.JSON {
		s.doubt(doubt)
		f.json = json.NewEncoder(s.Out)
		f.json.SetEscapeHTML(false)
		return f, nil
	}
	fields := modelFields(drift.NewSchema(to.Fields, to.Reference))
	f.view = driftview.New(baseNames(p.input.Files), to.Reference, fields, to.Judge.Effect, p.input.Zone)
	f.view.Detectors, f.view.Doubt = to.Detectors, doubt
	if isTerminal(s.Out) {
		f.style = driftview.Style{Width: terminalWidth(s.Out), Color: true}
	}
	return f, nil
}

func baseNames(files []string) string {
	names := make([]string, len(files))
	for i := range files {
		names[i] = filepath.Base(files[i])
	}
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func (f *driftForm) add(r *drift.Report, counts []drift.Counts) error {
	if f.json != nil {
		return f.json.Encode(r)
	}
	f.view.Add(r, counts)
	return nil
}

// finish writes what is shown at the end, unless err, the outcome so far, is one.
func (f *driftForm) finish(err error) error {
	switch {
	case err != nil || f.view == nil:
	case f.page:
		err = f.view.WriteHTML(f.out)
	default:
		err = f.view.WriteText(f.out, f.style)
	}
	return f.out.finish(err)
}
