package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
)

// demoView shows how the demo goes: on a terminal a block that is redrawn in
// place, elsewhere a line now and then. It takes the program's log lines, too,
// so that they stand above the block and not within it. It may be used from
// several goroutines.
type demoView struct {
	places demoPlaces
	block  bool // w is a terminal

	mu    sync.Mutex // protects the two below
	w     io.Writer
	lines []string // of the block as it stands on the terminal
}

// demoPlaces are where to look while the demo runs.
type demoPlaces struct {
	listen string   // HOST:PORT of the HTTP server
	broker []string // lines on it: its name and address, and a command that reads predictions
}

// demoMoment is how the demo stands.
type demoMoment struct {
	elapsed time.Duration
	sent    int64 // events that the broker has taken
	done    telemetry.Totals
	seen    demoSeen
	shiftAt time.Duration // elapsed when the events move away from what the model knows; 0: never, or not known yet
	shifted bool
	drift   *drift.Report // the latest; nil: there is none yet
	wanted  float64       // events a second that the feed is to send
	fed     time.Duration // how long it has

	lately demoStretch
}

// demoStretch is what has happened between two moments.
type demoStretch struct {
	took time.Duration
	sent int64
	done telemetry.Totals
	seen demoSeen
}

// since notes what has happened after before.
func (m *demoMoment) since(before *demoMoment) {
	m.lately = demoStretch{
		took: m.elapsed - before.elapsed, sent: m.sent - before.sent, done: m.done.Since(before.done),
		seen: demoSeen{predictions: m.seen.predictions - before.seen.predictions, scores: m.seen.scores - before.seen.scores},
	}
}

// refresh is how often the view is shown anew: often enough to be alive on a
// terminal, seldom enough to be read in a log.
func (v *demoView) refresh() time.Duration {
	if v.block {
		return time.Second
	}
	return 5 * time.Second
}

func newDemoView(w io.Writer, places demoPlaces) *demoView {
	return &demoView{w: w, block: isTerminal(w), places: places}
}

// begin says where to look, which the block does at every drawing.
func (v *demoView) begin() error {
	if v.block {
		return v.show(&demoMoment{})
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	_, err := fmt.Fprintln(v.w, strings.Join(append([]string{demoTitle}, v.places.look()...), "\n"))
	return err
}

// show shows a moment.
func (v *demoView) show(m *demoMoment) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.block {
		_, err := fmt.Fprintln(v.w, m.line())
		return err
	}
	lines := append(m.block(), v.places.look()...)
	width := terminalWidth(v.w)
	for i, line := range lines {
		if len(line) >= width { // a line that wraps would shift the block
			lines[i] = line[:max(width-1, 0)]
		}
	}
	return v.draw(lines)
}

// end leaves the block as it stands and says how it went. first is how long
// after the start the first prediction could be read, 0: there was none.
func (v *demoView) end(m *demoMoment, first time.Duration) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lines = nil
	_, err := fmt.Fprintln(v.w, m.summary(first))
	return err
}

// Write puts log lines above the block.
func (v *demoView) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	lines := v.lines
	err := v.draw(nil)
	n, failed := v.w.Write(p)
	return n, errors.Join(err, failed, v.draw(lines))
}

// draw replaces the block, in one write: nothing flickers.
func (v *demoView) draw(lines []string) error {
	var b strings.Builder
	if len(v.lines) > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", len(v.lines)) // up to its first line
	}
	for _, line := range lines {
		b.WriteString(strings.TrimRight(line, " ") + "\x1b[K\n")
	}
	if len(lines) < len(v.lines) {
		b.WriteString("\x1b[J") // the rest of the old block
	}
	v.lines = lines
	if b.Len() == 0 {
		return nil
	}
	_, err := fmt.Fprint(v.w, b.String())
	return err
}

// demoTitle says what the demo does.
const demoTitle = "Card transactions, scored exactly once by the bundled fraud model"

// block is a moment as it is drawn on a terminal.
func (m *demoMoment) block() []string {
	l := &m.lately
	return []string{
		fmt.Sprintf("%s, for %s", demoTitle, clock(m.elapsed)),
		"",
		fmt.Sprintf("  events in     %14s %9s/s   %s", count(m.sent), perSecond(l.sent, l.took), m.kind()+m.behind()),
		fmt.Sprintf("  predictions   %14s %9s/s   %s", count(m.done.Predicted), perSecond(l.done.Predicted, l.took), l.fraud()),
		fmt.Sprintf("  dead letters  %14s               %s", count(m.done.DeadLettered), byClass(&m.done)),
		fmt.Sprintf("  latency       %s", l.latency()),
		fmt.Sprintf("  drift         %s", m.drifting()),
		"",
	}
}

// kind says what the events are like.
func (m *demoMoment) kind() string {
	switch {
	case m.shifted:
		return "SHIFTED: larger amounts, from elsewhere, at night"
	case m.shiftAt > 0:
		return "like those the model was trained on, until " + clock(m.shiftAt)
	}
	return "like those the model was trained on"
}

// fraud is what the predictions say on average.
func (l *demoStretch) fraud() string {
	if l.seen.predictions == 0 {
		return ""
	}
	return fmt.Sprintf("fraud %.1f %%", 100*l.seen.scores/float64(l.seen.predictions))
}

// latency is how long events took, from their timestamp until their prediction
// was committed.
func (l *demoStretch) latency() string {
	if l.done.Predicted == 0 {
		return ""
	}
	return fmt.Sprintf("p50 %s, p99 %s", millis(l.done.LatencyP50Millis), millis(l.done.LatencyP99Millis))
}

// look says where to look, in lines.
func (p *demoPlaces) look() []string {
	lines := slices.Clone(p.broker)
	if p.listen != "" {
		lines = append(lines, fmt.Sprintf("  HTTP          http://%s/readyz?verbose, /metrics, /api/v1/status, /api/v1/drift", p.listen))
	}
	return append(lines, "  Ctrl-C ends it and leaves nothing behind.")
}

// line is a moment in a log.
func (m *demoMoment) line() string {
	l := &m.lately
	parts := []string{
		clock(m.elapsed), "in " + perSecond(l.sent, l.took) + "/s" + m.behind(), "predicted " + perSecond(l.done.Predicted, l.took) + "/s",
		l.fraud(), l.latency(), "dead letters " + count(m.done.DeadLettered) + parenthesized(byClass(&m.done)),
	}
	if m.shifted {
		parts = append(parts, "SHIFTED")
	}
	if m.drift != nil && m.drift.Alarm {
		parts = append(parts, "DRIFT: "+strings.Join(farthest(m.drift), ", "))
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "  ")
}

// summary is the last word on a demo.
func (m *demoMoment) summary(first time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s events in %s: %s predicted, %s%s", count(m.sent), m.elapsed.Round(100*time.Millisecond),
		count(m.done.Predicted), deadLetters(m.done.DeadLettered), parenthesized(byClass(&m.done)))
	b.WriteString(m.behind())
	if first > 0 {
		fmt.Fprintf(&b, "; latency p50 %s, p99 %s; the first prediction came after %s",
			millis(m.done.LatencyP50Millis), millis(m.done.LatencyP99Millis), first.Round(10*time.Millisecond))
	}
	return b.String()
}

// behind says so where fewer events come than --rate asks for.
func (m *demoMoment) behind() string {
	if m.fed < settledRate || float64(m.sent) > keptRate*m.wanted*m.fed.Seconds() {
		return ""
	}
	return fmt.Sprintf(", less than --rate %s: this machine does not keep up", count(int64(m.wanted)))
}

const (
	settledRate = 3 * time.Second // from when on the rate of the feed says something
	keptRate    = 0.9             // of it is as good as all
)

// byClass lists the dead letters: decode 41, type 2.
func byClass(t *telemetry.Totals) string {
	var parts []string
	for _, class := range classes {
		if n := t.DeadLetters[class]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", class, count(n)))
		}
	}
	return strings.Join(parts, ", ")
}

func parenthesized(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// clock is a duration as minutes and seconds: 01:05.
func clock(d time.Duration) string {
	seconds := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
}

func perSecond(n int64, took time.Duration) string {
	if took <= 0 {
		return "-"
	}
	return count(int64(float64(n)/took.Seconds() + 0.5))
}

func millis(ms float64) string { return fmt.Sprintf("%.0f ms", ms) }
