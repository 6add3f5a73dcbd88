package cli

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// redraw is the least time between two drawings of the bar.
const redraw = 100 * time.Millisecond

// progress draws a bar on a terminal as results come in.
type progress struct {
	w       io.Writer // nil: no bar
	started time.Time
	drawn   time.Time
	total   int64  // bytes of all inputs, 0 when it is not known
	what    string // of which it counts
}

// newProgress draws on w if that is a terminal on which nothing else is
// written.
func newProgress(w io.Writer, data io.Writer, total int64, now time.Time) *progress {
	p := &progress{started: now, drawn: now, total: total, what: "events"} // nothing is known yet that is worth drawing
	if isTerminal(w) && !isTerminal(data) {
		p.w = w
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// update redraws the bar when it is time to.
func (p *progress) update(t *tally, done int64, now time.Time) {
	if p.w == nil || now.Sub(p.drawn) < redraw {
		return
	}
	p.drawn = now
	line := p.line(t, done, now)
	if width := terminalWidth(p.w); len(line) >= width { // a line that wraps cannot be cleared
		line = line[:max(width-1, 0)]
	}
	fmt.Fprintf(p.w, "\r%s\x1b[K", line) // what is left of the old line goes last: nothing flickers
}

// terminalWidth is the number of columns, as it is now: people resize windows.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return math.MaxInt
}

// clear takes the bar away, so that the summary stands in its place.
func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

const barWidth = 24

func (p *progress) line(t *tally, done int64, now time.Time) string {
	var b strings.Builder
	if p.total > 0 {
		share := min(float64(done)/float64(p.total), 1)
		full := int(share * barWidth)
		fmt.Fprintf(&b, "[%s%s] %3.0f%%  ", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), share*100)
	}
	fmt.Fprintf(&b, "%s %s  %s/s", count(t.predicted+t.rejected), p.what, rate(t, now.Sub(p.started)))
	if t.rejected > 0 {
		fmt.Fprintf(&b, "  %s rejected", count(t.rejected))
	}
	if left, ok := p.left(done, now); ok {
		fmt.Fprintf(&b, "  %s left", left)
	}
	return b.String()
}

// steady is how long a run has to go on before its pace says when it ends.
const steady = time.Second

// left is how long the rest takes at the pace so far.
func (p *progress) left(done int64, now time.Time) (time.Duration, bool) {
	took := now.Sub(p.started)
	if p.total == 0 || done <= 0 || done >= p.total || took < steady {
		return 0, false
	}
	left := float64(took) * float64(p.total-done) / float64(done)
	rest := time.Duration(min(left, float64(maxLeft))).Round(time.Second)
	return rest, rest > 0
}

// maxLeft keeps the first, slow moments from overflowing a duration.
const maxLeft = 1000 * time.Hour

// summary is the last word on a run.
func summary(t *tally, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s events in %s (%s/s): %s predicted, %s rejected",
		count(t.predicted+t.rejected), took.Round(time.Millisecond), rate(t, took), count(t.predicted), count(t.rejected))
	sep := " ("
	for i, n := range t.byClass {
		if n > 0 {
			fmt.Fprintf(&b, "%s%s %s", sep, classes[i], count(n))
			sep = ", "
		}
	}
	if t.rejected > 0 {
		b.WriteByte(')')
	}
	return b.String()
}

// logSummary is the summary for whoever reads the log by machine.
func logSummary(log *slog.Logger, t *tally, took time.Duration) {
	var byClass []any
	for i, n := range t.byClass {
		if n > 0 {
			byClass = append(byClass, slog.Int64(string(classes[i]), n))
		}
	}
	log.Info("done", "events", t.predicted+t.rejected, "seconds", took.Seconds(), "predicted", t.predicted,
		"rejected", t.rejected, slog.Group("rejected_by_class", byClass...), "first_reject", t.first)
}

func rate(t *tally, took time.Duration) string {
	if took <= 0 {
		return "-"
	}
	return count(int64(float64(t.predicted+t.rejected) / took.Seconds()))
}

// count writes a number with its thousands apart: 1,234,567.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// deadLetters counts them in words.
func deadLetters(n int64) string {
	if n == 1 {
		return "1 dead letter"
	}
	return count(n) + " dead letters"
}
