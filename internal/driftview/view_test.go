package driftview_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/driftview"
)

var rewrite = flag.Bool("update", false, "write the golden files anew")

var fields = []drift.Field{
	{Name: "amount", Role: drift.Input, Kind: drift.Numeric},
	{Name: "</script><b>merchant", Role: drift.Watched, Kind: drift.Categorical, Top: 5},
	{Name: "score\x1b[2J", Role: drift.Score, Kind: drift.Numeric},
}

// fill gives made-up rows, the same each time, to whatever takes rows.
func fill(rows int, shift float64, r interface {
	Row()
	Number(int, float64)
	Text(int, []byte)
	Missing(int)
	TypeError(int)
},
) {
	for i := range rows {
		r.Row()
		u := math.Mod(float64(i)*math.Phi, 1)
		r.Number(0, 20*math.Exp(2*u-1)+shift)
		switch {
		case i%50 == 0:
			r.Missing(1)
		case shift > 0 && i%50 == 1:
			r.TypeError(1)
		case shift > 0 && i%3 == 0:
			r.Text(1, []byte("<img src=x onerror=alert(1)>"))
		default:
			r.Text(1, fmt.Appendf(nil, "shop %d & co", i%4))
		}
		r.Number(2, u*u)
	}
}

// view is one of a reference and windows of a day, the later ones drifted.
func view(t *testing.T, windows int) *driftview.View {
	t.Helper()
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	b := drift.NewReferenceBuilder(fields, time.Hour)
	for day := range 20 {
		fill(1000, 0, b.At(start.AddDate(0, 0, day).UnixMilli(), true))
	}
	ref, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	spec := drift.WindowSpec{Name: "1d", Calendar: "1d"}
	schema := drift.NewSchema(fields, ref)
	judge := drift.NewJudge(schema, ref, drift.JudgeConfig{
		FalseAlarms: 1, Per: 30 * 24 * time.Hour, Effect: 0.1, MinRows: 100, Windows: []drift.WindowSpec{spec},
	})
	v := driftview.New("<june>.csv", ref, fields, 0.1, time.UTC)
	for day := range windows {
		c := drift.NewCounter(schema)
		fill(1000-980*(day%7/6), float64(day/3), c)
		at := start.AddDate(0, 1, day)
		closed := &drift.Closed{
			Window: spec, Span: drift.Span{Start: at.UnixMilli(), End: at.AddDate(0, 0, 1).UnixMilli()},
			Rows: c.Rows(), Complete: true, Fields: c.Counts(nil),
		}
		report, _ := judge.Judge(closed)
		v.Add(report, closed.Fields)
	}
	return v
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = "testdata/" + name
	if *rewrite {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s", name, got)
	}
}

func TestText(t *testing.T) {
	for name, v := range map[string]*driftview.View{"windows.txt": view(t, 9), "one.txt": view(t, 1), "none.txt": view(t, 0)} {
		var b bytes.Buffer
		if err := v.WriteText(&b, driftview.Style{}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

// A terminal's lines are never longer than it is wide, and a name is never taken
// for a command to it.
func TestTextInATerminal(t *testing.T) {
	var b bytes.Buffer
	if err := view(t, 9).WriteText(&b, driftview.Style{Width: 60, Color: true}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.Contains(text, "\x1b[2J") {
		t.Error("a feature's name clears the screen")
	}
	if !strings.Contains(text, "\x1b[31;1m") {
		t.Error("the alarm has no colour")
	}
	for line := range strings.Lines(text) {
		for _, code := range []string{"\x1b[31;1m", "\x1b[2m", "\x1b[1m", "\x1b[0m"} {
			line = strings.ReplaceAll(line, code, "")
		}
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 60 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
}

// The page loads nothing and runs nothing that comes from data.
func TestPageIsWholeAndEscapes(t *testing.T) {
	var b bytes.Buffer
	if err := view(t, 9).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, bad := range []string{"<b>merchant", "<img", "<june>", "src=\"", "href=", "url(", "@import", "fetch(", "innerHTML", "ZgotmplZ"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if n := strings.Count(text, "</script>"); n != 2 {
		t.Errorf("%d scripts end, want 2", n)
	}
	for _, good := range []string{"\\u003c/script\\u003e\\u003cb\\u003emerchant", "default-src &#39;none&#39;", "&lt;june&gt;.csv", "of 9 windows alarm"} {
		if !strings.Contains(text, good) && !strings.Contains(text, strings.ReplaceAll(good, "&#39;", "'")) {
			t.Errorf("the page lacks %q", good)
		}
	}
}

// Of very many windows the page keeps the histograms of the latest only.
func TestPageIsBounded(t *testing.T) {
	v := view(t, 1)
	report := drift.Report{Window: "1d", Features: make([]drift.FeatureReport, len(fields))}
	for range 10_000 {
		v.Add(&report, make([]drift.Counts, len(fields)))
	}
	var b bytes.Buffer
	if err := v.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 12<<20 {
		t.Errorf("the page has %d bytes", b.Len())
	}
}

// Changes are told once, however many windows they lie in, and never without being
// asked for.
func TestChanges(t *testing.T) {
	at := time.Date(2026, 6, 1, 6, 30, 0, 0, time.UTC)
	found := []drift.ReportChange{
		{At: at.Add(-time.Minute), Until: at, Detector: "adwin", What: drift.ChangeLevel},
		{At: at, Until: at.Add(time.Hour), Detector: "cusum", What: drift.ChangeCategory, Category: "<b>\x1b[2J"},
	}
	for _, c := range []struct {
		detectors []string
		changes   []drift.ReportChange
		text      string
		page      []string
	}{
		{nil, nil, "", nil},
		{[]string{"adwin", "cusum"}, nil, "\nno change found by adwin, cusum\n", []string{"found by adwin, cusum</small>", "<p>None.</p>"}},
		{[]string{"adwin", "cusum"}, found, `
changed by        feature  what                   detector
2026-06-01 06:30  amount   level                  adwin
2026-06-01 07:30  amount   category "<b>\x1b[2J"  cusum
`, []string{"<time>2026-06-01 06:30</time> <b>amount</b> <span>level</span> <i>adwin</i>", "category &lt;b&gt;"}},
	} {
		v := view(t, 1)
		v.Detectors = c.detectors
		for range 3 {
			v.Add(&drift.Report{Window: "1d", Features: []drift.FeatureReport{{Changes: c.changes}, {}, {}}}, make([]drift.Counts, len(fields)))
		}
		var text, page bytes.Buffer
		if err := errors.Join(v.WriteText(&text, driftview.Style{}), v.WriteHTML(&page)); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(text.String(), c.text) || strings.Contains(text.String(), "change") != (c.text != "") {
			t.Errorf("got %s\nwant at the end %s", text.String(), c.text)
		}
		for _, want := range c.page {
			if strings.Count(page.String(), want) != 1 {
				t.Errorf("the page has not one %q", want)
			}
		}
		if strings.Contains(page.String(), `<section class="changes">`) != (c.page != nil) {
			t.Error("the page has a section of changes, or lacks it")
		}
	}
}
