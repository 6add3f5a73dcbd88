//go:build cgo

package cli_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
)

// sales writes a table of made-up rows, one every five minutes. From the day drifted
// on, amounts are larger and another shop sells.
func sales(t *testing.T, name string, from time.Time, days, drifted int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("ts,amount,shop,code,paid\n")
	for i := range days * 288 {
		at := from.Add(time.Duration(i) * 5 * time.Minute)
		u := math.Mod(float64(i)*math.Phi, 1)
		amount, shop := fmt.Sprintf("%.2f", 20*math.Exp(2*u-1)), fmt.Sprint("shop ", i%3)
		if i/288 >= drifted {
			amount = fmt.Sprintf("%.2f", 35*math.Exp(2*u-1))
			if i%4 == 0 {
				shop = "pop-up"
			}
		}
		if i%25 == 0 {
			amount = ""
		}
		fmt.Fprintf(&b, "%s,%s,%s,%d,%t\n", at.Format(time.DateTime), amount, shop, 100+i%2, i%10 > 0)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDrift is what a user does with two files: a reference, and reports in every form.
func TestDrift(t *testing.T) {
	golden, err := filepath.Abs("testdata/drift")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	sales(t, "may.csv", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), 14, 14)
	sales(t, "june.csv", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), 4, 2)
	settings := []string{"--event-time", "ts", "--categorical", "code"}
	r := run(t, "", append([]string{"drift", "reference", "may.csv", "-o", "may.json"}, settings...)...).want(t, 0, "4,032 rows, 4 fields in ")
	if r.out != "" {
		t.Errorf("stdout %q", r.out)
	}
	if digest := fmt.Sprintf("sha256:%x\n", sha256.Sum256([]byte(readFile(t, "may.json")))); !strings.HasSuffix(r.err, digest) {
		t.Errorf("the file's digest is %s, stderr says %s", digest, r.err)
	}
	report := append([]string{"drift", "report", "june.csv", "--reference", "may.json", "--window", "1d", "--set", "drift.min_rows=100"}, settings...)

	text := run(t, "", report...).want(t, 3)
	compareGolden(t, filepath.Join(golden, "days.golden"), text.out+"-- stderr\n"+text.err)

	// Changes are found whatever the reference says, and told with their time.
	sales(t, "july.csv", time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), 30, 15)
	july := append([]string{"drift", "report", "july.csv", "--reference", "may.json", "-q"}, settings...)
	changes := run(t, "", append(july, "--detector", "adwin,cusum")...).want(t, 3)
	for _, detector := range []string{"adwin", "cusum"} {
		if !regexp.MustCompile(`\n2026-07-16 \d\d:\d\d +amount +level +` + detector + `\n`).MatchString(changes.out) {
			t.Errorf("%s: got %s", detector, changes.out)
		}
	}
	if page := run(t, "", append(july, "--changes", "--html", "-")...).want(t, 3); !strings.Contains(page.out, "<b>amount</b> <span>level</span> <i>adwin</i>") {
		t.Errorf("got %s", page.out)
	}

	// Times are told in the zone that days are counted in.
	text = run(t, "", append(report, "--zone", "Europe/Berlin")...).want(t, 3)
	if !strings.Contains(text.out, "1d  2026-06-04 – 2026-06-05  Europe/Berlin  288 rows") {
		t.Errorf("got %s", text.out)
	}

	var alarms []string
	lines := run(t, "", append(report, "--json")...).want(t, 3)
	for line := range strings.Lines(lines.out) {
		var r drift.Report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Window != "1d" || r.Rows != 288 || len(r.Features) != 4 || r.Features[0].Missing == 0 || r.Features[2].Kind != drift.Categorical {
			t.Errorf("%+v", r)
		}
		alarms = append(alarms, fmt.Sprint(r.Start.Day(), r.Contributors))
	}
	if got := strings.Join(alarms, "; "); got != "1 []; 2 []; 3 [amount shop]; 4 [amount shop]" {
		t.Errorf("alarms: %s", got)
	}

	run(t, "", append(report, "--html", "june.html")...).want(t, 3)
	if page := readFile(t, "june.html"); !strings.HasPrefix(page, "<!doctype html>") || !strings.Contains(page, "2 of 4 windows alarm") {
		t.Errorf("the page is %q", page)
	}
	// The data itself serves as well as a reference of it, and no drift is no alarm.
	same := run(t, "", "drift", "report", "--reference-data", "may.csv", "may.csv", "-q", "--compat", "nannyml", "--json", "--ignore", "ts").want(t, 0)
	if same.err != "" || !strings.Contains(same.out, `"compat":{"hellinger":0,`) || !strings.Contains(same.out, `"window":"all"`) || strings.Contains(same.out, `"start"`) {
		t.Errorf("got %s%s", same.out, same.err)
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, name); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDriftErrors checks what a wrong command or file says, and its exit code.
func TestDriftErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	sales(t, "may.csv", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), 1, 1)
	for name, content := range map[string]string{
		"odd.csv": "a,b\n1\n", "other.csv": "x,y\n1,2\n", "when.csv": "ts,amount\nsoon,1\n", "empty.csv": "",
		"late.csv": "ts,amount,shop,code,paid\n2026-05-01,1,a,1,true\n",
		"c.yaml":   "model: {path: none.onnx}\n", "bad.json": "{}", "may.txt": "a\n1\n",
	} {
		writeInto(t, name, content)
	}
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"report may.csv":                                                             {2, "what is normal? Name it with --reference"},
		"report may.csv --reference bad.json":                                        {2, "read reference bad.json: "},
		"report may.csv --reference-data other.csv":                                  {2, "the reference and the data have no column in common"},
		"report may.csv --reference-data may.csv --window 1d":                        {2, "--window needs the rows' times: name their column with --event-time"},
		"report may.csv --reference-data may.csv --window 1y":                        {2, `--window: "1y" is no window`},
		"report may.csv --reference-data may.csv --event-time ts --window 1d,60m,1h": {2, "--window names 1h twice"},
		"report may.csv --reference-data may.csv --changes":                          {2, "--changes needs the rows' times: name their column with --event-time"},
		"report may.csv --reference-data may.csv --detector adwn":                    {2, `--detector: "adwn" is not one of ["adwin"`},
		"report may.csv --reference-data may.csv --event-time tts":                   {2, `may.csv has no column "tts"; did you mean "ts"?`},
		"report may.csv --reference-data may.csv --categorical shp":                  {2, `may.csv has no column "shp"; did you mean "shop"?`},
		"report may.csv --reference-data may.csv --zone Berlin":                      {2, "the zone (--zone, drift.zone) must be UTC or a name such as Europe/Berlin"},
		"report may.csv --reference-data may.csv --compat river":                     {2, "--compat"},
		"report may.csv --reference may.json --compat nannyml":                       {2, "--compat computes on the values themselves"},
		"report may.csv --reference-data may.csv --set drift.efect=1":                {2, `did you mean "effect"?`},
		"reference may.csv --set drift.windows=[12h]":                                {2, "--set drift.windows: this needs a pipeline file; without one, --window names them"},
		"report c.yaml --reference may.json":                                         {2, "no data file is named after the pipeline file c.yaml"},
		"report c.yaml may.csv --reference may.json --ignore a":                      {2, "its drift.features says what is counted"},
		"reference may.txt":                  {2, "cannot tell the format of may.txt"},
		"reference nowhere.csv":              {2, "nowhere.csv: no such file"},
		"reference odd.csv":                  {1, "odd.csv:2: the row has 1 cells, the header has 2"},
		"reference empty.csv":                {1, "read empty.csv: "},
		"reference when.csv --event-time ts": {1, "when.csv:2:1: the event time cannot be read"},
		"report when.csv --reference-data when.csv --event-time ts":       {1, "there is no row to learn from"},
		"report when.csv --reference-data late.csv --event-time ts":       {1, "nothing to report: no row has an event time at ts that can be read"},
		"reference may.csv other.csv --event-time ts":                     {2, `other.csv has no column "amount"`},
		"report late.csv --reference-data may.csv --json --event-time tx": {2, `did you mean "ts"?`},
	} {
		r := run(t, "", append([]string{"drift"}, strings.Fields(args)...)...).want(t, want.code, want.text)
		if r.out != "" {
			t.Errorf("%s: stdout %q", args, r.out)
		}
	}
	if files, err := filepath.Glob("*.partial"); err != nil || files != nil {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func writeInto(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDriftOfAModel counts what the model is given and says, as predict scores it:
// fields as mapped, what was missing as it came, the score and the label.
func TestDriftOfAModel(t *testing.T) {
	config, events, bad := "../../examples/card-fraud/pipeline.yaml", "../../examples/card-fraud/events.jsonl", "../../examples/card-fraud/bad.jsonl"
	ref := filepath.Join(t.TempDir(), "reference.json")
	run(t, "", "drift", "reference", config, events, "-o", ref).want(t, 0, "200 rows, 22 fields in ")
	args := []string{"drift", "report", config, "--reference", ref, events, bad, "--json", "--set", "drift.min_rows=100"}
	r := run(t, "", append(args, "--set", "workers=3", "--set", "batch.max_rows=7")...).want(t, 0, "3 events were rejected, as predict would; the first is bad.jsonl/0/1: type: amount")
	var got drift.Report
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v in %s", err, r.out)
	}
	if got.Pipeline != "card-fraud" || got.Model != "fraud" || got.Version != "1" || got.Window != "all" || got.Rows != 203 || got.Reference.Rows != 200 {
		t.Errorf("%+v", got)
	}
	features := map[string]drift.FeatureReport{}
	for _, f := range got.Features {
		features[f.Name] = f
	}
	if f := features["amount"]; f.Role != drift.Input || f.TypeErrors != 1 || f.Rows != 203 {
		t.Errorf("amount: %+v", f)
	}
	if f := features["secs_since_last"]; f.Missing == 0 || f.NonFinite != 0 {
		t.Errorf("secs_since_last, whose missing values the model is given as NaN: %+v", f)
	}
	if features["score"].Role != drift.Score || features["label"].Role != drift.Output || features["label"].Kind != drift.Categorical {
		t.Errorf("score %+v, label %+v", features["score"], features["label"])
	}
	// The counts do not depend on who scored which rows.
	if again := run(t, "", args...).want(t, 0); again.out != r.out {
		t.Errorf("one way\n%sanother\n%s", r.out, again.out)
	}
	// Changes are looked for as in files; there is none in half a minute.
	run(t, "", append(args, "--changes", "--set", "drift.pane=1s")...).want(t, 0)
	// The events themselves serve as a reference, too.
	data := run(t, "", "drift", "report", config, "--reference-data", events, events, "--window", "1h", "--json", "-q").want(t, 0)
	if n := strings.Count(data.out, "\n"); n != 12 {
		t.Errorf("%d windows of an hour hold 27 seconds, want 12", n)
	}
	// A reference that is too short for the windows is told so.
	run(t, "", "drift", "reference", config, events, "-o", ref, "--set", "drift.windows=[12h]").want(t, 0, "the reference is shorter than eight windows of 12h")
	run(t, "", "lint", config, "--set", "drift.reference="+ref).want(t, 0, "warning: the reference is shorter than eight windows of 24h")
	// What --set names holds as if the file said it, though that has no drift: part.
	set := run(t, "", "drift", "report", config, events, "--json", "-q", "--set", "drift.reference="+ref, "--set", "drift.windows=[12h]").want(t, 0, "the reference is shorter than eight windows of 12h")
	if n := strings.Count(set.out, `"window":"12h"`); n != 12 || strings.Count(set.out, "\n") != n {
		t.Errorf("%d windows of 12 hours hold 27 seconds, want 12", n)
	}
	// A time that cannot be read is told with its place, and its row left out, as
	// without a pipeline; those that tables have can be.
	lines := strings.SplitAfterN(readFile(t, events), "\n", 4)
	at := regexp.MustCompile(`"event_time":"[^"]*"`)
	mixed := filepath.Join(t.TempDir(), "mixed.jsonl")
	writeInto(t, mixed, at.ReplaceAllString(lines[0], `"event_time": "soon"`)+at.ReplaceAllString(lines[1], `"event_time":"2026-11-21 09:00:00"`)+at.ReplaceAllString(lines[2], `"event_time":null`))
	timed := run(t, "", "drift", "report", config, "--reference", ref, mixed, "--json").want(t, 0, "mixed.jsonl:1:72: the event time cannot be read", "; 1 such rows are left out", "1 rows without an event time")
	if !strings.Contains(timed.out, `"rows":1,`) {
		t.Errorf("got %s", timed.out)
	}
	// A path that leads to no time is no report of no drift.
	run(t, "", "drift", "report", config, "--reference", ref, events, "--window", "1h", "--set", "source.event_time=nosuch").
		want(t, 1, "nothing to report: no row has an event time at nosuch")
}
