package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
)

var demoTestPlaces = demoPlaces{
	listen: "127.0.0.1:8080", broker: []string{"  Kafka         127.0.0.1:39187, with the topics transactions, predictions, transactions.dead", "                kcat -b 127.0.0.1:39187 -t predictions -C"},
}

// demoMoments are three: nothing yet, under way, and after the shift.
func demoMoments() []demoMoment {
	return []demoMoment{
		{elapsed: 400 * time.Millisecond},
		{
			elapsed: 65 * time.Second, sent: 130_000, shiftAt: 70 * time.Second,
			done: telemetry.Totals{
				Predicted: 129_868, DeadLettered: 130, LatencyP50Millis: 7, LatencyP99Millis: 31,
				DeadLetters: map[penstock.ErrorClass]int64{penstock.ClassType: 30, penstock.ClassDecode: 100},
			},
			lately: demoStretch{took: time.Second, sent: 2001, done: telemetry.Totals{
				Predicted: 1998, DeadLettered: 2, LatencyP50Millis: 6, LatencyP99Millis: 11,
			}, seen: demoSeen{predictions: 2000, scores: 13.2}},
			drift: demoReport(false),
		},
		{
			elapsed: 4000 * time.Second, sent: 8_000_000, shifted: true,
			done:   telemetry.Totals{Predicted: 7_999_999, LatencyP50Millis: 7, LatencyP99Millis: 31},
			lately: demoStretch{took: 5 * time.Second, sent: 1, done: telemetry.Totals{}},
			drift:  demoReport(true),
		},
	}
}

// demoReport is of a window, in alarm for one feature that is not the farthest.
func demoReport(alarm bool) *drift.Report {
	js := []float64{0.31, 0.05, 0.4}
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.Local)
	r := &drift.Report{Window: "12s", Start: start, End: start.Add(12 * time.Second), Rows: 24_000, Alarm: alarm, Features: []drift.FeatureReport{
		{Name: "country", Alarm: alarm, JS: &js[0]}, {Name: "score", JS: &js[1]}, {Name: "amount", JS: &js[2]}, {Name: "device", Status: drift.StatusInsufficient},
	}}
	if alarm {
		r.Since = &start
	}
	return r
}

// TestDemoDrifting says what the block does before the first window and in alarm.
func TestDemoDrifting(t *testing.T) {
	for want, m := range map[string]demoMoment{
		"the first window has not closed yet":                         {},
		"ALARM since 09:00:00: country 0.31, amount 0.40, score 0.05": {drift: demoReport(true)},
	} {
		if got := m.drifting(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDemoLines(t *testing.T) {
	var w strings.Builder
	v := &demoView{w: &w, places: demoTestPlaces}
	must(t, v.begin())
	moments := demoMoments()
	for i := range moments {
		must(t, v.show(&moments[i]))
	}
	fmt.Fprintln(v, "level=INFO msg=assigned")
	must(t, v.end(&moments[1], 1234*time.Millisecond))
	must(t, v.end(&moments[0], 0))
	want := `Card transactions, scored exactly once by the bundled fraud model
  Kafka         127.0.0.1:39187, with the topics transactions, predictions, transactions.dead
                kcat -b 127.0.0.1:39187 -t predictions -C
  HTTP          http://127.0.0.1:8080/readyz?verbose, /metrics, /api/v1/status, /api/v1/drift
  Ctrl-C ends it and leaves nothing behind.
00:00  in -/s  predicted -/s  dead letters 0
01:05  in 2,001/s  predicted 1,998/s  fraud 0.7 %  p50 6 ms, p99 11 ms  dead letters 130 (decode 100, type 30)
66:40  in 0/s  predicted 0/s  dead letters 0  SHIFTED  DRIFT: country 0.31, amount 0.40, score 0.05
level=INFO msg=assigned
130,000 events in 1m5s: 129,868 predicted, 130 dead letters (decode 100, type 30); latency p50 7 ms, p99 31 ms; the first prediction came after 1.23s
0 events in 400ms: 0 predicted, 0 dead letters
`
	if got := w.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDemoBlock plays what is written on a screen and looks at that.
func TestDemoBlock(t *testing.T) {
	var w strings.Builder
	v := &demoView{w: &w, places: demoTestPlaces, block: true}
	fmt.Fprintln(v, "level=INFO msg=joined")
	must(t, v.begin())
	moments := demoMoments()
	must(t, v.show(&moments[0]))
	must(t, v.show(&moments[2]))
	fmt.Fprintln(v, "level=INFO msg=assigned")
	must(t, v.show(&moments[1]))
	must(t, v.end(&moments[1], time.Second))
	fmt.Fprintln(v, "level=INFO msg=drained")
	want := []string{
		"level=INFO msg=joined",
		"level=INFO msg=assigned",
		"Card transactions, scored exactly once by the bundled fraud model, for 01:05",
		"",
		"  events in            130,000     2,001/s   like those the model was trained on, until 01:10",
		"  predictions          129,868     1,998/s   fraud 0.7 %",
		"  dead letters             130               decode 100, type 30",
		"  latency       p50 6 ms, p99 11 ms",
		"  drift         12s until 09:00:12, 24,000 events: no alarm; farthest amount 0.40, country 0.31, score 0.05",
		"",
		"  Kafka         127.0.0.1:39187, with the topics transactions, predictions, transactions.dead",
		"                kcat -b 127.0.0.1:39187 -t predictions -C",
		"  HTTP          http://127.0.0.1:8080/readyz?verbose, /metrics, /api/v1/status, /api/v1/drift",
		"  Ctrl-C ends it and leaves nothing behind.",
		"130,000 events in 1m5s: 129,868 predicted, 130 dead letters (decode 100, type 30); latency p50 7 ms, p99 31 ms; the first prediction came after 1s",
		"level=INFO msg=drained",
		"",
	}
	got := screen(t, w.String())
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d differs:\n%s", i+1, strings.Join(got, "\n"))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// screen is what a terminal that is wide and high enough shows after output,
// which may use the three sequences that the view needs.
func screen(t *testing.T, output string) []string {
	t.Helper()
	lines, row, col := []string{""}, 0, 0
	for output != "" {
		switch {
		case strings.HasPrefix(output, "\x1b[K"):
			output = output[3:]
			lines[row] = lines[row][:min(col, len(lines[row]))]
		case strings.HasPrefix(output, "\x1b[J"):
			output = output[3:]
			lines[row] = lines[row][:min(col, len(lines[row]))]
			lines = lines[:row+1]
		case output[0] == '\x1b':
			var up int
			if _, err := fmt.Sscanf(output, "\x1b[%dA", &up); err != nil {
				t.Fatalf("an unknown sequence: %q", output[:min(10, len(output))])
			}
			row -= up
			output = output[strings.IndexByte(output, 'A')+1:]
		case output[0] == '\r':
			col = 0
			output = output[1:]
		case output[0] == '\n':
			row, col = row+1, 0
			if row == len(lines) {
				lines = append(lines, "")
			}
			output = output[1:]
		default:
			end := strings.IndexAny(output, "\x1b\r\n")
			text := output[:end]
			line := lines[row]
			lines[row] = line[:col] + text + line[min(col+len(text), len(line)):]
			col += len(text)
			output = output[end:]
		}
	}
	return lines
}

// TestDemoBehind says so when fewer events come than were asked for.
func TestDemoBehind(t *testing.T) {
	m := demoMoment{elapsed: 11 * time.Second, fed: 10 * time.Second, wanted: 200_000, sent: 100_000}
	const want = ", less than --rate 200,000: this machine does not keep up"
	for _, text := range []string{m.line(), m.summary(0), m.block()[2]} {
		if !strings.Contains(text, want) {
			t.Errorf("it says nothing: %s", text)
		}
	}
	m.sent = 1_990_000
	if text := m.line(); strings.Contains(text, "rate") {
		t.Errorf("it keeps up: %s", text)
	}
	m.sent, m.fed = 0, time.Second
	if text := m.line(); strings.Contains(text, "rate") {
		t.Errorf("it is too early to tell: %s", text)
	}
}
