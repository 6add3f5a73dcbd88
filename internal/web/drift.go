package web

import (
	"net/http"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
)

// processDrift is the answer of /api/v1/drift.
type processDrift struct {
	Pipelines []pipelineDrift `json:"pipelines"`
}

// pipelineDrift is what one pipeline's processes have published, and what this one
// does about it.
type pipelineDrift struct {
	Name string `json:"name"`
	// Monitor is absent where no drift is watched.
	Monitor *telemetry.DriftStatus `json:"monitor,omitempty"`
	Reports []*drift.Report        `json:"reports"`
}

// drift gives the latest report of each window, or those of the window that
// ?window names, such as 1h.
func (h *handler) drift(w http.ResponseWriter, r *http.Request) {
	pipelines := h.picked(w, r)
	if pipelines == nil {
		return
	}
	window := r.URL.Query().Get("window")
	answer := processDrift{Pipelines: []pipelineDrift{}}
	for _, p := range pipelines {
		shown := pipelineDrift{Name: p.Name(), Monitor: p.Status().Drift, Reports: []*drift.Report{}}
		for _, report := range p.Drift() {
			if window == "" || report.Window == window {
				shown.Reports = append(shown.Reports, report)
			}
		}
		answer.Pipelines = append(answer.Pipelines, shown)
	}
	writeJSON(w, answer)
}
