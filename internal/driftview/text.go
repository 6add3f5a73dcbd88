package driftview

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/penstock/penstock/drift"
)

// Style is what a terminal can do.
type Style struct {
	Width int  // columns; 0: as many as it takes
	Color bool // escape sequences are understood
}

// WriteText writes the reports for a terminal: a line a window, and a table of the
// features for the window that differs most.
func (v *View) WriteText(w io.Writer, s Style) error {
	b := &printer{Writer: bufio.NewWriter(w), style: s}
	ref := v.reference
	fmt.Fprintln(b, b.fit(fmt.Sprintf("reference  %s  %s rows%s", short(ref.Digest()), thousands(ref.Rows), v.period(ref.From, ref.To))))
	for _, note := range v.notes() {
		b.wrap(note)
	}
	if len(v.windows) > 1 {
		fmt.Fprintln(b)
		v.writeWindows(b)
	}
	if worst := v.worst(); worst != nil {
		fmt.Fprintln(b)
		v.writeWindow(b, worst)
		v.writeChanges(b)
	}
	return b.Flush()
}

type printer struct {
	*bufio.Writer
	style Style
}

const (
	red  = "\x1b[31;1m"
	dim  = "\x1b[2m"
	bold = "\x1b[1m"
)

// paint puts text in a colour where there are any.
func (b *printer) paint(color, text string) string {
	if !b.style.Color || text == "" {
		return text
	}
	return color + text + "\x1b[0m"
}

// fit cuts a line to the terminal's width.
func (b *printer) fit(line string) string {
	if b.style.Width == 0 {
		return line
	}
	return cut(line, b.style.Width)
}

// wrap writes a sentence in lines of the terminal's width.
func (b *printer) wrap(text string) {
	column := 0
	for i, word := range strings.Fields(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case b.style.Width > 0 && column+1+width > b.style.Width:
			fmt.Fprintln(b)
			column = 0
		default:
			fmt.Fprint(b, " ")
			column++
		}
		fmt.Fprint(b, word)
		column += width
	}
	fmt.Fprintln(b)
}

// mostLines is how many windows have a line of their own.
const mostLines = 60

func (v *View) writeWindows(b *printer) {
	t := table{head: []string{"window", v.timesIn(v.windows[0].report), "rows", "js", "of", "alarm"}, right: map[int]bool{2: true, 3: true}}
	shown := v.windows[max(0, len(v.windows)-mostLines):]
	for _, w := range shown {
		feature, js := w.greatest()
		row := []cell{{text: w.report.Window}, {text: v.span(w.report)}, {text: thousands(w.report.Rows)}, {}, {}, {}}
		if feature >= 0 {
			row[3].text, row[4].text = number(&js), clean(w.report.Features[feature].Name)
		} else {
			row[4] = cell{text: statusOf(w.report), color: dim}
		}
		if w.report.Alarm {
			row[5] = cell{text: w.report.Severity + ": " + cleanAll(w.report.Contributors), color: red}
		}
		t.rows = append(t.rows, row)
	}
	if hidden := len(v.windows) - len(shown); hidden > 0 {
		fmt.Fprintf(b, "%s earlier windows are not shown; --json and --html have all\n", thousands(int64(hidden)))
	}
	t.write(b)
}

// statusOf is why a window has no statistics.
func statusOf(r *drift.Report) string {
	if len(r.Features) == 0 {
		return ""
	}
	return string(r.Features[0].Status)
}

func (v *View) writeWindow(b *printer, w *window) {
	title := "all rows"
	if at := v.span(w.report); at != "" {
		title = w.report.Window + "  " + at + "  " + v.timesIn(w.report)
	}
	verdict := "no alarm"
	if w.report.Alarm {
		verdict = b.paint(red, "ALARM ("+w.report.Severity+")")
	}
	fmt.Fprintf(b, "%s  %s rows  %s\n\n", b.paint(bold, title), thousands(w.report.Rows), verdict)
	t := table{
		head:  []string{"feature", "js", "lower", "psi", "ks", "w1", "missing", "reference", "now", "", ""},
		right: map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true},
	}
	if len(v.windows) > 1 {
		t.head[9] = "js by window"
	}
	for _, i := range v.byEffect(w) {
		t.rows = append(t.rows, v.featureRow(w, i))
	}
	t.write(b)
}

func (v *View) featureRow(w *window, i int) []cell {
	f := &w.report.Features[i]
	row := []cell{
		{text: clean(f.Name)},
		{text: number(f.JS)},
		{text: number(f.JSLower)},
		{text: number(f.PSICorrected)},
		{text: number(f.KSLower)},
		{text: number(f.W1)},
		{text: percent(f.Missing)},
		{},
		{},
		{},
		{},
	}
	if w.shares != nil && w.shares[i] != nil {
		then, now := paired(v.features[i].reference), paired(w.shares[i])
		most := math.Max(greatest(then), greatest(now))
		row[7].text, row[8].text = sparkline(then, most), sparkline(now, most)
		row[7].color = dim
	}
	if len(v.windows) > 1 {
		row[9].text = sparkline(squeeze(v.series(i, w), mostSparks), 1)
	}
	switch {
	case f.Alarm:
		row[0].color, row[1].color, row[10] = red, red, cell{text: "ALARM", color: red}
	case f.Status != drift.StatusOK:
		row[10] = cell{text: string(f.Status), color: dim}
	}
	if f.TypeErrors > 0 {
		row[10].text = strings.TrimPrefix(row[10].text+", "+thousands(f.TypeErrors)+" type errors", ", ")
	}
	return row
}

// mostSparks is how many characters a series takes at most.
const mostSparks = 24

var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkline draws values from 0 to most, NaN as a blank.
func sparkline(values []float64, most float64) string {
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case most <= 0:
			b.WriteRune(sparks[0])
		default:
			level := int(math.Ceil(v / most * float64(len(sparks)-1)))
			b.WriteRune(sparks[max(0, min(level, len(sparks)-1))])
		}
	}
	return b.String()
}

// paired joins each two of a numeric histogram's inner bars, for there is little
// room in a line.
func paired(shares []float64) []float64 {
	if len(shares) != mostBars {
		return shares
	}
	joined := []float64{shares[0]}
	for i := 1; i < mostBars-1; i += 2 {
		joined = append(joined, shares[i]+shares[i+1])
	}
	return append(joined, shares[mostBars-1])
}

// squeeze makes a series at most so long, each value the greatest of those that it
// stands for.
func squeeze(values []float64, most int) []float64 {
	if len(values) <= most {
		return values
	}
	short := make([]float64, most)
	for i := range short {
		short[i] = greatest(values[i*len(values)/most : (i+1)*len(values)/most])
	}
	return short
}

// greatest is the greatest value, NaN where there is none.
func greatest(values []float64) float64 {
	most := math.NaN()
	for _, v := range values {
		if math.IsNaN(most) || v > most {
			most = v
		}
	}
	return most
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	if math.Abs(*v) < 0.0005 {
		return "0.000" // without a sign
	}
	return strconv.FormatFloat(*v, 'f', 3, 64)
}

func percent(share float64) string {
	if share == 0 {
		return ""
	}
	return strconv.FormatFloat(100*share, 'f', 1, 64) + "%"
}

// short is a digest's beginning.
func short(digest string) string {
	const digits = len("sha256:") + 12
	return digest[:min(len(digest), digits)]
}

// span is a window's bounds, as short as they can be told; empty without times.
func (v *View) span(r *drift.Report) string {
	if r.Start.IsZero() {
		return ""
	}
	return v.moment(r.Start) + " – " + v.moment(r.End)
}

// timesIn names the zone of a window's bounds; empty without times.
func (v *View) timesIn(r *drift.Report) string {
	if r.Start.IsZero() {
		return ""
	}
	return v.zone.String()
}

// period is the reference's.
func (v *View) period(from, to time.Time) string {
	if from.IsZero() {
		return ""
	}
	return "  " + v.moment(from) + " – " + v.moment(to)
}

// moment leaves out what is zero of a time.
func (v *View) moment(t time.Time) string {
	switch t = t.In(v.zone); {
	case t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 && t.Nanosecond() == 0:
		return t.Format(time.DateOnly)
	case t.Second() == 0 && t.Nanosecond() == 0:
		return t.Format("2006-01-02 15:04")
	}
	return t.Format(time.DateTime)
}

// thousands writes a number with its thousands apart.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// clean keeps a name from doing anything to the terminal.
func clean(name string) string {
	if quoted := strconv.Quote(name); quoted[1:len(quoted)-1] != name || !utf8.ValidString(name) {
		return quoted
	}
	return name
}

func cleanAll(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = clean(name)
	}
	return strings.Join(all, ", ")
}
