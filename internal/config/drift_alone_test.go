package config

import (
	"strings"
	"testing"
	"time"
)

// What is set for files without a pipeline holds, or is refused with what to do
// instead; and what is not in use refuses nothing.
func TestDriftAlone(t *testing.T) {
	f := DriftAlone([]string{"drift.pane=7m", "drift.effect=0.2", "drift.min_rows=30", "drift.zone=Europe/Berlin", "drift.false_alarms=2/year"})
	d := f.Pipeline.Drift
	if f.Failed() || d.Pane != 7*time.Minute || d.Effect != 0.2 || d.MinRows != 30 || d.Zone != "Europe/Berlin" || d.FalseAlarms != (Rate{Count: 2, Per: "year"}) {
		t.Errorf("%+v, %v", d, f.Render(nil))
	}
	for set, want := range map[string]string{
		"drift.windows=[12h]":                          "--set drift.windows: this needs a pipeline file; without one, --window names them",
		"drift.windows[0]=12h":                         "--set drift.windows[0]: this needs a pipeline file",
		"drift.features={amount: {kind: categorical}}": "without one, --categorical and --ignore say",
		"drift.features['nope'].top=3":                 "needs a pipeline file",
		"drift.reference=r.json":                       "--reference or --reference-data",
		"drift.webhook.url=http://x":                   "needs a pipeline file",
		"drift.lateness=1h":                            "needs a pipeline file",
		"drift.idle=1h":                                "needs a pipeline file",
		"drift={reference: r.json, windows: [12h]}":    "only keys of drift can be set",
		"workers=3":                                    "--set workers: without a pipeline file only keys of drift can be set",
		"drift.efect=1":                                `did you mean "effect"?`,
		"drift.effect=2":                               "--set drift.effect: ",
		"drift.effect":                                 "must be path=value",
		"drift.false_alarms=often":                     "--set drift.false_alarms: ",
	} {
		f := DriftAlone([]string{set})
		if lines := strings.Join(f.Render(nil), "\n"); !f.Failed() || !strings.Contains(lines, want) || !strings.HasPrefix(lines, "--set ") || strings.Contains(lines, "\n") {
			t.Errorf("%s: got %q, want %q", set, lines, want)
		}
	}
}
