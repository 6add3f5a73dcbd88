package driftview_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/driftview"
)

// Where nothing alarms although much differs, table and page say why; where what
// differs alarms, if only in another window, they do not.
func TestNotesSayWhyThereIsNoAlarm(t *testing.T) {
	both := func(v *driftview.View) (text, page string) {
		var b, h bytes.Buffer
		if err := v.WriteText(&b, driftview.Style{Width: 60}); err != nil {
			t.Fatal(err)
		}
		if err := v.WriteHTML(&h); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 60 {
				t.Errorf("%d characters: %s", n, line)
			}
		}
		return strings.Join(strings.Fields(b.String()), " "), h.String()
	}
	if text, page := both(view(t, 9)); strings.Contains(text, "without an alarm") || strings.Contains(page, `class="doubt"`) {
		t.Errorf("got %s", text)
	}

	v := driftview.New("june.csv", &drift.Reference{}, fields[:1], 0.1, time.UTC)
	v.Doubt = "is shorter than eight windows of 1mo"
	v.Add(&drift.Report{Window: "1mo", Features: []drift.FeatureReport{{Name: "amount", JS: new(0.4), JSLower: new(0.1001)}}}, nil)
	const doubt, silent = "The reference is shorter than eight windows of 1mo.", "More than the effect of 0.1 without an alarm: amount. The reference"
	if text, page := both(v); !strings.Contains(text, doubt) || !strings.Contains(text, silent) ||
		!strings.Contains(page, `<p class="doubt">`+doubt) || !strings.Contains(page, `<p class="doubt">`+silent) {
		t.Errorf("got %s", text)
	}
	v.Add(&drift.Report{Window: "1mo", Features: []drift.FeatureReport{{Name: "amount", JS: new(0.5), JSLower: new(0.2), Alarm: true}}}, nil)
	if text, _ := both(v); strings.Contains(text, "without an alarm") {
		t.Errorf("got %s", text)
	}
}
