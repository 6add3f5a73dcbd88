package inference

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
)

var cardFraud = EncoderOptions{
	Pipeline: "card-fraud",
	Model: penstock.ModelIdentity{
		Name: "fraud", Version: "7",
		Digest: "sha256:9f2c6a1b00112233445566778899aabbccddeeff00112233445566778899aabb",
	},
	Variant: "champion",
	Plan:    1,
}

func stampAt(t testing.TB, source string, offset int64, clock string) *Stamp {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, clock)
	if err != nil {
		t.Fatal(err)
	}
	return &Stamp{ID: penstock.EventID{Source: source, Offset: offset}, Time: at.UnixNano(), Record: NoTime}
}

func TestRecord(t *testing.T) {
	const clock = "2026-11-21T09:00:00.127999999Z"
	const champion = `"pipeline":"card-fraud","model":"fraud","version":"7",` +
		`"digest":"sha256:9f2c6a1b00112233445566778899aabbccddeeff00112233445566778899aabb","variant":"champion","plan":1,`
	for name, test := range map[string]struct {
		options EncoderOptions
		source  string
		event   string
		want    string
	}{
		"everything": {
			cardFraud, "transactions", `{"x":1,"ts":"2026-11-21T10:00:00.123+01:00","tx_id":"a1"}`,
			`{"id":"transactions/0/1234",` + champion + `"event_time":"2026-11-21T09:00:00.123Z","time":"2026-11-21T09:00:00.127Z",` +
				`"score":2,"flags":["missing:y"],"pass":{"tx_id":"a1"}}`,
		},
		"nothing missing": {
			cardFraud, "transactions", `{"x":1,"y":0.5,"ts":"2026-11-21T09:00:00Z"}`,
			`{"id":"transactions/0/1234",` + champion + `"event_time":"2026-11-21T09:00:00.000Z","time":"2026-11-21T09:00:00.127Z","score":2.5}`,
		},
		"unreadable event time": {
			cardFraud, "transactions", `{"x":1,"ts":"yesterday"}`,
			`{"id":"transactions/0/1234",` + champion + `"time":"2026-11-21T09:00:00.127Z","score":2,"flags":["missing:y","event_time"]}`,
		},
		"all flags": {
			cardFraud, "transactions", `{"x":-1,"ts":"yesterday"}`,
			`{"id":"transactions/0/1234",` + champion + `"time":"2026-11-21T09:00:00.127Z","score":null,"flags":["missing:y","event_time","non_finite:score"]}`,
		},
		"only the model": {
			EncoderOptions{Model: penstock.ModelIdentity{Name: `a"b`}},
			`odd "name".jsonl`, `{"x":3,"y":1,"ts":"2026-11-21T09:00:00Z"}`,
			`{"id":"odd \"name\".jsonl/0/1234","model":"a\"b","event_time":"2026-11-21T09:00:00.000Z","time":"2026-11-21T09:00:00.127Z","score":7}`,
		},
		"no name at all": {
			EncoderOptions{},
			"caf\xe9", `{"x":3,"y":1,"ts":"2026-11-21T09:00:00Z"}`,
			`{"id":"caf` + "\uFFFD" + `/0/1234","event_time":"2026-11-21T09:00:00.000Z","time":"2026-11-21T09:00:00.127Z","score":7}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := linear()
			sum := m.fill
			m.fill = func(x, y []float32, out []*Tensor) {
				sum(x, y, out)
				if x[0] < 0 {
					Values[float32](out[0])[0] = float32(math.Inf(1))
				}
			}
			plan := scoringPlan(t, 0)
			scores, err := newTestScorer(t, m, plan, Output{}).Score(fillBatch(t, plan, test.event))
			if err != nil {
				t.Fatal(err)
			}
			got := string(NewEncoder(test.options).Append([]byte("before "), stampAt(t, test.source, 1234, clock), scores, 0))
			if got != "before "+test.want {
				t.Errorf("got  %s\nwant before %s", got, test.want)
			}
			if !json.Valid([]byte(got[len("before "):])) {
				t.Error("no valid JSON")
			}
		})
	}
}

// Without a time of its own an event has its record's. A path that gave none is
// flagged all the same; where there is no path, nothing is amiss.
func TestRecordTimeStandsIn(t *testing.T) {
	for name, test := range map[string]struct {
		path   string
		record int64
		event  string
		want   string
	}{
		"own time":        {"ts", 86_400_000, `{"x":1,"y":1,"ts":"2026-11-21T09:00:00.000001Z"}`, `"event_time":"2026-11-21T09:00:00.000001Z",|,"score":3`},
		"unreadable":      {"ts", 86_400_123, `{"x":1,"y":1,"ts":"yesterday"}`, `"event_time":"1970-01-02T00:00:00.123Z",|,"score":3,"flags":["event_time"]`},
		"absent":          {"ts", 86_400_123, `{"x":1,"y":1}`, `"event_time":"1970-01-02T00:00:00.123Z",|,"score":3,"flags":["event_time"]`},
		"no path":         {"", 86_400_123, `{"x":1,"y":1,"ts":"yesterday"}`, `"event_time":"1970-01-02T00:00:00.123Z",|,"score":3`},
		"first instant":   {"", 0, `{"x":1,"y":1}`, `"event_time":"1970-01-01T00:00:00.000Z",|,"score":3`},
		"none":            {"", NoTime, `{"x":1,"y":1}`, `|,"score":3`},
		"none at all":     {"ts", NoTime, `{"x":1,"y":1}`, `|,"score":3,"flags":["event_time"]`},
		"last instant":    {"", 9_223_372_036_854, `{"x":1,"y":1}`, `"event_time":"2262-04-11T23:47:16.854Z",|,"score":3`},
		"beyond the last": {"", 9_223_372_036_855, `{"x":1,"y":1}`, `|,"score":3`},
	} {
		t.Run(name, func(t *testing.T) {
			plan := scoringPlan(t, 0)
			if test.path == "" {
				plan = untimedPlan(t)
			}
			scores, err := newTestScorer(t, linear(), plan, Output{}).Score(fillBatch(t, plan, test.event))
			if err != nil {
				t.Fatal(err)
			}
			stamp := stampAt(t, "t", 7, "2026-11-21T09:00:00.127Z")
			stamp.Record = test.record
			got := string(NewEncoder(EncoderOptions{}).Append(nil, stamp, scores, 0))
			want := `{"id":"t/0/7",` + strings.Replace(test.want, "|", `"time":"2026-11-21T09:00:00.127Z"`, 1) + `}`
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// A flag must not stick to the next row or the next batch.
func TestFlagsBelongToTheirRow(t *testing.T) {
	inf := float32(math.Inf(-1))
	got := predictions(t, copyAll, []TensorInfo{info("y", Float32, Dynamic)}, []*Tensor{floats([]int64{3}, 1, inf, 2)}, 3)
	for row, want := range []string{
		`,"score":1,"outputs":{"y":1}`,
		`,"score":null,"outputs":{"y":null},"flags":["non_finite:y"]`,
		`,"score":2,"outputs":{"y":2}`,
	} {
		if got[row] != want {
			t.Errorf("row %d: got %s, want %s", row, got[row], want)
		}
	}
}

func TestScoringAndEncodingDoNotAllocate(t *testing.T) {
	classes := make([]string, 3)
	for i := range classes {
		classes[i] = fmt.Sprint(i)
	}
	m := &fakeModel{
		outputs: []TensorInfo{info("label", Int64, Dynamic), classMap("p", classes...), info("ok", Bool, Dynamic)},
		fill: func(x, _ []float32, out []*Tensor) {
			n := int64(len(x))
			out[0].Resize(Int64, n)
			out[1].Resize(Float32, n, 3)
			out[1].Keys = classes
			out[2].Resize(Bool, n)
			for i := range x {
				Values[int64](out[0])[i] = int64(i % 3)
				Values[float32](out[1])[3*i] = x[i] / 7
			}
		},
	}
	plan := scoringPlan(t, 0)
	events := numberedEvents(64)
	for i := range events {
		events[i] = fmt.Sprintf(`{"x":%d,"y":1,"ts":"2026-11-%02dT09:00:00.123456Z"}`, i+1, 1+i%28)
	}
	b := fillBatch(t, plan, events...)
	s := newTestScorer(t, m, plan, Output{Score: "p", Label: "label", Include: &Include{All: true}})
	e := NewEncoder(cardFraud)
	dst := make([]byte, 0, 1<<20)
	stamp := stampAt(t, "transactions", 1, "2026-11-21T09:00:00.127Z")
	allocs := testing.AllocsPerRun(20, func() {
		m.limits = m.limits[:0]
		scores, err := s.Score(b)
		if err != nil {
			t.Fatal(err)
		}
		dst = dst[:0]
		for row := range b.Len() {
			dst = e.Append(dst, stamp, scores, row)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for 64 events, want 0", allocs)
	}
}

// Nearly every id is ASCII, but a file's name is its owner's affair.
func TestEncodingAnyNameAllocatesNothing(t *testing.T) {
	plan := scoringPlan(t, 0)
	scores, err := newTestScorer(t, linear(), plan, Output{}).Score(fillBatch(t, plan, numberedEvents(1)...))
	if err != nil {
		t.Fatal(err)
	}
	e, dst := NewEncoder(cardFraud), make([]byte, 0, 4096)
	for source, want := range map[string]string{
		"größere-kunden.jsonl":   `{"id":"größere-kunden.jsonl/1/2",`,
		"a \"quoted\"\tname.csv": `{"id":"a \"quoted\"\tname.csv/1/2",`,
		"\xffbad":                "{\"id\":\"\uFFFDbad/1/2\",",
	} {
		stamp := stampAt(t, source, 2, "2026-11-21T09:00:00.127Z")
		stamp.ID.Partition = 1
		if n := testing.AllocsPerRun(100, func() { dst = e.Append(dst[:0], stamp, scores, 0) }); n != 0 {
			t.Errorf("%q: %v allocations a record", source, n)
		}
		if !strings.HasPrefix(string(dst), want) {
			t.Errorf("%q: %s, want %s…", source, dst, want)
		}
	}
}
