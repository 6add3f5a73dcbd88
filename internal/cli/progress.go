package cli

import (
	"fmt"
	"io"
	"log/slog"
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
	total   int64 // bytes of all inputs, 0 when it is not known
}

// newProgress draws on w if that is a terminal on which nothing else is
// written.
func newProgress(w io.Writer, data io.Writer, total int64, now time.Time) *progress {
	p := &progress{started: now, total: total}
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
	fmt.Fprintf(p.w, "\r\x1b[K%s", p.line(t, done, now))
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
	fmt.Fprintf(&b, "%s events  %s/s", count(t.predicted+t.rejected), rate(t, now.Sub(p.started)))
	if t.rejected > 0 {
		fmt.Fprintf(&b, "  %s rejected", count(t.rejected))
	}
	return b.String()
}

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
