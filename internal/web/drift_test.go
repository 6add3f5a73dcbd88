package web

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
)

// TestDrift gives the reports of the pipelines that are asked for, of the window
// that is, and says what the process has to do with them.
func TestDrift(t *testing.T) {
	js := 0.131
	watched := ready("a")
	watched.status.Drift = &telemetry.DriftStatus{State: "standby", Generation: "g"}
	watched.drift = []*drift.Report{
		{Pipeline: "a", Window: "1h", End: time.Unix(3600, 0).UTC(), Alarm: true, Features: []drift.FeatureReport{{Name: "amount", Status: drift.StatusOK, JS: &js}}},
		{Pipeline: "a", Window: "24h"},
	}
	s := start(t, Options{Mounts: []Mount{{Pipeline: watched, Listen: local}, {Pipeline: ready("b"), Listen: local}}})
	base := "http://" + s.Addr().String() + "/api/v1/drift"
	for _, c := range []struct {
		query   string
		reports map[string]int // by pipeline
	}{
		{"", map[string]int{"a": 2, "b": 0}},
		{"?pipeline=a", map[string]int{"a": 2}},
		{"?window=1h", map[string]int{"a": 1, "b": 0}},
		{"?window=1h&pipeline=b", map[string]int{"b": 0}},
	} {
		got := ask(t, client, "GET", base+c.query, "")
		var answer processDrift
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.code != 200 {
			t.Fatalf("%s: %d %s: %v", c.query, got.code, got.body, err)
		}
		if len(answer.Pipelines) != len(c.reports) {
			t.Errorf("%s: %d pipelines", c.query, len(answer.Pipelines))
		}
		for _, p := range answer.Pipelines {
			if want, ok := c.reports[p.Name]; !ok || len(p.Reports) != want || p.Reports == nil {
				t.Errorf("%s: %s has %d reports, want %d", c.query, p.Name, len(p.Reports), want)
			}
			if (p.Monitor != nil) != (p.Name == "a") {
				t.Errorf("%s: the monitor of %s is %+v", c.query, p.Name, p.Monitor)
			}
			for _, r := range p.Reports {
				if r.Window == "1h" && (!r.Alarm || *r.Features[0].JS != js) {
					t.Errorf("the report came as %+v", r)
				}
			}
		}
	}
}
