package observe_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/observe"
)

// info declares an input of [N] or [N, dims…].
func info(name string, typ inference.ElementType, dims ...int64) inference.TensorInfo {
	return inference.TensorInfo{Name: name, Type: typ, Shape: append([]int64{inference.Dynamic}, dims...)}
}

var (
	inputs  = []inference.TensorInfo{info("amount", inference.Float32), info("country", inference.String), info("new", inference.Bool), info("short", inference.Float32, 2), info("long", inference.Float32, 17), info("score", inference.Float64)}
	outputs = []inference.TensorInfo{info("label", inference.Int64), info("probabilities", inference.Float32, 2)}
)

// mapped compiles the inputs, each from the field of its name, which may be
// missing.
func mapped(t testing.TB, watch []inference.Watched) (*inference.Plan, *inference.OutputPlan) {
	t.Helper()
	cfg := &inference.Config{}
	for _, in := range inputs {
		column := inference.Column{From: in.Name, At: -1, Missing: inference.Missing{Policy: inference.MissingFill, Fill: inference.Literal{Text: "0"}}}
		switch in.Type {
		case inference.String:
			column.Missing.Fill = inference.Literal{Kind: inference.TextLiteral, Text: "none"}
		case inference.Bool:
			column.Missing.Fill = inference.Literal{Kind: inference.BoolLiteral, Text: "false"}
		}
		cfg.Inputs = append(cfg.Inputs, inference.Input{Name: in.Name, Columns: []inference.Column{column}})
	}
	plan, problems := inference.Compile(cfg, inputs, inference.CompileOptions{EventTime: "ts", Watch: watch})
	if plan == nil {
		t.Fatal(problems)
	}
	out, problems := inference.CompileOutput(&inference.Output{}, outputs)
	if out == nil {
		t.Fatal(problems)
	}
	return plan, out
}

// planned is what a selection makes of them.
func planned(t testing.TB, s observe.Selection) (*observe.Plan, *inference.Plan) {
	t.Helper()
	mapping, out := mapped(t, s.Watch())
	plan, problems := observe.New(s, mapping, out)
	if plan == nil {
		t.Fatal(problems)
	}
	return plan, mapping
}

// fieldText shows what is counted.
func fieldText(p *observe.Plan) string {
	var all []string
	for _, f := range p.Fields {
		text := fmt.Sprintf("%s %s %s", f.Name, f.Role, f.Kind)
		if f.Top > 0 {
			text += fmt.Sprintf(" top %d", f.Top)
		}
		if f.Width > 0 {
			text += fmt.Sprintf(" of %d", f.Width)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		selection observe.Selection
		want      string
	}{
		{
			observe.Selection{All: true},
			"amount input numeric; country input categorical top 100; new input categorical top 100; short[0] input numeric; short[1] input numeric; long input embedding of 17; score input numeric; prediction.score score numeric; label output categorical top 100",
		},
		{
			observe.Selection{Named: []observe.Feature{{Name: "amount", Kind: "categorical", Top: 7}, {Name: "new", Kind: "numeric"}, {Name: "label", Top: 3}, {Name: "channel", From: "meta.channel", Kind: "categorical"}, {Name: "w", From: "w"}}},
			"amount input categorical top 7; new input numeric; channel watched categorical top 100; w watched numeric; score score numeric; label output categorical top 3",
		},
	} {
		plan, _ := planned(t, c.selection)
		if got := fieldText(plan); got != c.want {
			t.Errorf("%+v:\n%s, want\n%s", c.selection, got, c.want)
		}
	}
}

func TestSelectionProblems(t *testing.T) {
	mapping, out := mapped(t, nil)
	plan, problems := observe.New(observe.Selection{Named: []observe.Feature{{Name: "amont"}, {Name: "country", Kind: "numeric"}}}, mapping, out)
	if plan != nil || len(problems) != 2 {
		t.Fatalf("problems %+v", problems)
	}
	if p := problems[0]; strings.Join(p.Path, " ") != "drift features amont" || !strings.Contains(p.Hint, "amount") {
		t.Errorf("the first is %+v", p)
	}
	if p := problems[1]; strings.Join(p.Path, " ") != "drift features country kind" {
		t.Errorf("the second is %+v", p)
	}
}

// TestWatchedUnderANameOfTheModel: what is watched may not have the name of a field
// of the model's, whose reference it would be compared with.
func TestWatchedUnderANameOfTheModel(t *testing.T) {
	for name, refused := range map[string]bool{"amount": true, "short[1]": true, "short": true, "long[3]": true, "short[2]": false, "meta": false, "label": false} {
		s := observe.Selection{Named: []observe.Feature{{Name: "short"}, {Name: name, From: "meta.channel"}}}
		mapping, out := mapped(t, s.Watch())
		_, problems := observe.New(s, mapping, out)
		if got := len(problems) == 1 && strings.Join(problems[0].Path, " ") == "drift features "+name+" from"; got != refused || len(problems) > 1 {
			t.Errorf("%s: problems %+v", name, problems)
		}
	}
}

// said are predictions that a test makes up.
type said []float64

func (s said) Headline(row int) (float64, bool) { return s[row], s[row] >= 0 }
func (s said) Label(row int) ([]byte, bool)     { return yes, s[row] >= 0 }

var yes = []byte("yes")

// TestCount: each value is counted once, in its field, and what was filled is
// missing.
func TestCount(t *testing.T) {
	plan, mapping := planned(t, observe.Selection{Named: []observe.Feature{{Name: "amount"}, {Name: "country"}, {Name: "new"}, {Name: "long"}, {Name: "w", From: "w"}, {Name: "c", From: "c", Kind: "categorical"}}})
	b := mapping.NewBatch(4)
	long := "[" + strings.Repeat("1,", 16) + "1]"
	for _, event := range []string{
		`{"amount":2,"country":"AT","new":true,"long":` + long + `,"w":5,"c":"x"}`,
		`{"amount":3,"w":"no","c":[]}`,
		`{"amount":1e39,"country":"none","new":false,"long":` + long + `,"w":null}`,
	} {
		if why := b.DecodeJSON([]byte(event)); why != nil {
			t.Fatal(why)
		}
	}
	schema := drift.NewSchema(plan.Fields, nil)
	c := drift.NewCounter(schema)
	observe.NewObserver(plan).Count(c, b, said{0.5, -1, 0.25}, []int{0, 1, 2})
	if c.Rows() != 3 {
		t.Errorf("%d rows", c.Rows())
	}
	for i, counts := range c.Counts(nil) {
		f := &schema.Fields[i]
		got := fmt.Sprintf("rows %d missing %d inf %d errors %d finite %d named %d", counts.Rows, counts.Missing, counts.PosInf, counts.TypeErrors, counts.Finite(), counts.Named())
		want, ok := map[string]string{
			"amount":  "rows 3 missing 0 inf 1 errors 0 finite 2 named 0",
			"country": "rows 3 missing 1 inf 0 errors 0 finite 0 named 2",
			"new":     "rows 3 missing 1 inf 0 errors 0 finite 0 named 2",
			"w":       "rows 3 missing 1 inf 0 errors 1 finite 1 named 0",
			"c":       "rows 3 missing 1 inf 0 errors 1 finite 0 named 1",
			"score":   "rows 3 missing 1 inf 0 errors 0 finite 2 named 0",
			"label":   "rows 3 missing 1 inf 0 errors 0 finite 0 named 2",
		}[f.Name]
		if strings.HasPrefix(f.Name, "long.") {
			want, ok = "rows 3 missing 1 inf 0 errors 0 finite 2 named 0", true
		}
		if ok && got != want {
			t.Errorf("%s: %s, want %s", f.Name, got, want)
		}
	}
}

// epoch is one of a pipeline that counts one number, in panes of 60 s with a
// lateness of 100 s.
func epoch(t testing.TB) (*observe.Epoch, *inference.Plan) {
	plan, mapping := planned(t, observe.Selection{Named: []observe.Feature{{Name: "amount"}}})
	schema := drift.NewSchema(plan.Fields, nil)
	return observe.NewEpoch(&observe.Config{
		Pipeline: "p", Model: penstock.ModelIdentity{Name: "m", Version: "1"}, Variant: "champion",
		Pane: time.Minute, Lateness: 100 * time.Second, Plan: plan, Schema: func() *drift.Schema { return schema },
	}), mapping
}

// paneText shows a delta's panes: start in seconds, rows, late, future.
func paneText(d *drift.Delta) string {
	var b strings.Builder
	for i := range d.Panes {
		p := &d.Panes[i]
		fmt.Fprintf(&b, "%d:%d/%d/%d ", p.Start/1000, p.Rows, p.Late, p.Future)
		if (len(p.Fields) > 0) != (p.Rows > 0) {
			fmt.Fprintf(&b, "(%d fields) ", len(p.Fields))
		}
	}
	return strings.TrimSpace(b.String())
}

// TestPlacing: each event is counted in the pane of its time, unless it is late
// within its own partition or dated in the future.
func TestPlacing(t *testing.T) {
	const never = math.MinInt64
	type seen struct {
		partition       int32
		record, seconds int64 // of the event itself; never: it has no time
		what            string
	}
	for name, c := range map[string]struct {
		events  []seen
		want    string // of partition 0
		horizon int64
	}{
		"in order":              {[]seen{{0, 1000, 0, "row"}, {0, 1000, 59, "row"}, {0, 1000, 60, "row"}}, "0:2/0/0 60:1/0/0", 60},
		"before 1970":           {[]seen{{0, 1000, -1, "row"}, {0, 1000, -60, "row"}, {0, 1000, -61, "row"}}, "-120:1/0/0 -60:2/0/0", -1},
		"just in time":          {[]seen{{0, 1000, 159, "row"}, {0, 1000, 59, "row"}}, "0:1/0/0 120:1/0/0", 159},
		"late":                  {[]seen{{0, 1000, 160, "row"}, {0, 1000, 59, "row"}, {0, 1000, 60, "row"}}, "0:0/1/0 60:1/0/0 120:1/0/0", 160},
		"late for its type":     {[]seen{{0, 1000, 160, "row"}, {0, 1000, 59, "type"}}, "0:0/1/0 120:1/0/0", 160},
		"another's progress":    {[]seen{{1, 1000, 500, "row"}, {0, 1000, 59, "row"}}, "0:1/0/0", 59},
		"by its record":         {[]seen{{0, 61, never, "row"}}, "60:1/0/0", never},
		"its time is unread":    {[]seen{{0, 1000, 5, "row"}, {0, 1000, never, "row"}, {0, 1000, 59, "row"}}, "0:2/0/0 960:1/0/0", 59},
		"of no time":            {[]seen{{0, -1, never, "row"}}, "", never},
		"of no record's time":   {[]seen{{0, -1, 5000, "row"}}, "4980:1/0/0", 5000},
		"as far as it may be":   {[]seen{{0, 60, 160, "row"}}, "120:1/0/0", 160},
		"future":                {[]seen{{0, 60, 161, "row"}, {0, 60, 0, "row"}}, "0:1/0/0 60:0/0/1", 0},
		"passed by":             {[]seen{{0, 1000, 160, "pass"}, {0, 1000, 59, "row"}}, "0:0/1/0", 160},
		"a tombstone":           {[]seen{{0, 1000, never, "pass"}, {0, 1000, 59, "row"}}, "0:1/0/0", 59},
		"passed by, future":     {[]seen{{0, 60, 161, "pass"}}, "", never},
		"a field's type":        {[]seen{{0, 1000, 5, "type"}}, "0:1/0/0", 5},
		"another's type":        {[]seen{{0, 1000, 5, "other"}}, "0:0/0/0", 5},
		"two partitions' panes": {[]seen{{0, 1000, 5, "row"}, {1, 1000, 5, "row"}, {0, 1000, 6, "row"}}, "0:2/0/0", 6},
	} {
		t.Run(name, func(t *testing.T) {
			e, mapping := epoch(t)
			for range 2 { // the second time with used memory
				b := mapping.NewBatch(len(c.events))
				e.Begin()
				for i, s := range c.events {
					if why := b.DecodeJSON([]byte(`{"amount":1}`)); why != nil {
						t.Fatal(why)
					}
					id := penstock.EventID{Source: "in", Partition: s.partition, Offset: int64(i)}
					v := observe.Event{ID: &id, Record: s.record * 1000, Nanos: s.seconds * 1e9, Timed: s.seconds != never}
					if s.record < 0 {
						v.Record = -1
					}
					switch s.what {
					case "row":
						e.Row(&v, i)
					case "pass":
						e.Pass(&v)
					case "type":
						e.TypeError(&v, "amount")
					default:
						e.TypeError(&v, "customer")
					}
				}
				e.Count(b, make(said, len(c.events)))
				d := e.Delta("in", 0)
				if got := paneText(d); got != c.want {
					t.Errorf("panes %s, want %s", got, c.want)
				}
				horizon := c.horizon
				if horizon != never {
					horizon *= 1000
				}
				if d.Horizon != horizon {
					t.Errorf("horizon %d, want %d", d.Horizon, horizon)
				}
				e.Reset()
				if d := e.Delta("in", 0); len(d.Panes) != 0 || d.Horizon != never {
					t.Errorf("after a reset there are panes %s", paneText(d))
				}
			}
		})
	}
}

// TestRecordsAreTheTime: where events have no time of their own, those of their
// records are how far the partition has come.
func TestRecordsAreTheTime(t *testing.T) {
	plan, _ := planned(t, observe.Selection{Named: []observe.Feature{{Name: "amount"}}})
	schema := drift.NewSchema(plan.Fields, nil)
	e := observe.NewEpoch(&observe.Config{Pane: time.Minute, RecordTime: true, Plan: plan, Schema: func() *drift.Schema { return schema }})
	e.Begin()
	e.Row(&observe.Event{ID: &penstock.EventID{Source: "in"}, Record: 61_000}, 0)
	if d := e.Delta("in", 0); d.Horizon != 61_000 {
		t.Errorf("horizon %d, want the record's", d.Horizon)
	}
}

// TestEpochIsFull: one with many panes is to be committed.
func TestEpochIsFull(t *testing.T) {
	e, _ := epoch(t)
	e.Begin()
	id := penstock.EventID{Source: "in"}
	n := int64(0)
	for ; !e.Full() && n < 10_000; n++ {
		e.TypeError(&observe.Event{ID: &id, Record: n * 60_000}, "amount")
	}
	if n < 100 || n > 1000 {
		t.Errorf("it is full after %d panes", n)
	}
}

// unlabelled has no labels, whose texts are kept where there is no reference.
type unlabelled struct{ said }

func (unlabelled) Label(int) ([]byte, bool) { return nil, false }

// TestCountAllocatesNothing once the tables have grown.
func TestCountAllocatesNothing(t *testing.T) {
	e, mapping := epoch(t)
	b := mapping.NewBatch(64)
	for i := range 64 {
		if why := b.DecodeJSON(fmt.Appendf(nil, `{"amount":%d,"country":"AT"}`, i)); why != nil {
			t.Fatal(why)
		}
	}
	id, scores := penstock.EventID{Source: "in"}, &unlabelled{make(said, 64)}
	var v observe.Event
	n := testing.AllocsPerRun(100, func() {
		e.Begin()
		for i := range 64 {
			v = observe.Event{ID: &id, Record: int64(i)}
			e.Row(&v, i)
		}
		e.Count(b, scores)
		e.Reset()
	})
	if n > 0 {
		t.Errorf("%.1f allocations a batch", n)
	}
}
