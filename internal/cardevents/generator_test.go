package cardevents_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/cardevents"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/modelgate"
)

// begin is when the events of the tests begin to happen.
var begin = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// next makes event i of a stream with one every 4 ms.
func next(g *cardevents.Generator, dst []byte, i int) (key, value []byte) {
	return g.Next(dst, begin.Add(time.Duration(i)*4*time.Millisecond))
}

func TestEnvelope(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	g := cardevents.New(cardevents.Options{Seed: 1})
	ids := map[string]bool{}
	for i := range 10_000 {
		key, value := next(g, nil, i)
		var e struct {
			ID   string    `json:"transaction_id"`
			Time time.Time `json:"event_time"`
			Card string    `json:"card_id"`
		}
		if err := json.Unmarshal(value, &e); err != nil {
			t.Fatalf("%v: %s", err, value)
		}
		if !uuid.MatchString(e.ID) || ids[e.ID] {
			t.Fatalf("the id is no UUID or not new: %s", e.ID)
		}
		ids[e.ID] = true
		if want := begin.Add(time.Duration(i) * 4 * time.Millisecond); !e.Time.Equal(want) {
			t.Fatalf("event %d happened at %s, want %s", i, e.Time, want)
		}
		if string(key) != e.Card {
			t.Fatalf("the key is %q, the card %q", key, e.Card)
		}
	}
}

func TestSameSeedSameStream(t *testing.T) {
	a, b := cardevents.New(cardevents.Options{Seed: 7, Bad: 0.1}), cardevents.New(cardevents.Options{Seed: 7, Bad: 0.1})
	other := cardevents.New(cardevents.Options{Seed: 8, Bad: 0.1})
	scratch := make([]byte, 0, 1024)
	different := 0
	for i := range 1000 {
		keyA, valueA := next(a, nil, i)
		keyB, valueB := next(b, scratch, i)
		if !bytes.Equal(keyA, keyB) || !bytes.Equal(valueA, valueB) {
			t.Fatalf("event %d of the same seed:\n%s %s\n%s %s", i, keyA, valueA, keyB, valueB)
		}
		if _, value := next(other, nil, i); !bytes.Equal(valueA, value) {
			different++
		}
	}
	if different < 900 { // the replacement text of bad ones is always the same
		t.Errorf("only %d of 1000 events differ between two seeds", different)
	}
}

// TestBundledMapping has the bundled pipeline decode the events: the good ones
// without a word, the bad ones as one dead letter each, of every class that an
// event can be in before it reaches the model.
func TestBundledMapping(t *testing.T) {
	batch := bundledPlan(t).NewBatch(1)
	const n = 20_000
	g := cardevents.New(cardevents.Options{Seed: 3, Bad: 0.01})
	classes := map[penstock.ErrorClass]int{}
	bad := 0
	for i := range n {
		key, value := next(g, nil, i)
		if len(key) != len("c00000000") || key[0] != 'c' {
			t.Fatalf("event %d has the key %q: %s", i, key, value)
		}
		batch.Reset()
		if r := batch.DecodeJSON(value); r != nil {
			classes[r.Class]++
			bad++
			if r.Class == penstock.ClassType && r.Field != "amount" || r.Class == penstock.ClassMissing && r.Field != "merchant_risk" {
				t.Errorf("%v: %s", r, value)
			}
		}
	}
	// 200 on average; one seed in a million leaves these bounds.
	if bad < 130 || bad > 270 {
		t.Errorf("%d of %d events are bad, want one in a hundred", bad, n)
	}
	for _, class := range []penstock.ErrorClass{penstock.ClassDecode, penstock.ClassMissing, penstock.ClassType} {
		if classes[class] < 20 {
			t.Errorf("%d bad events are of class %s, want a good part of %d", classes[class], class, bad)
		}
	}
	good := cardevents.New(cardevents.Options{Seed: 3})
	good.Shift(true)
	for i := range 20_000 {
		_, value := next(good, nil, i)
		batch.Reset()
		if r := batch.DecodeJSON(value); r != nil {
			t.Fatalf("a good event is turned away: %v: %s", r, value)
		}
	}
}

// bundledPlan is the mapping of the example that is shipped with the events'
// model, compiled against what the model declares.
func bundledPlan(t *testing.T) *inference.Plan {
	t.Helper()
	f, err := config.Load("../../examples/card-fraud/pipeline.yaml", config.Options{Purpose: config.ForModel})
	if err != nil || f.Failed() {
		t.Fatal(err, f.Render(nil))
	}
	model, err := modelgate.Read(f.Pipeline.Model.Path)
	if err != nil {
		t.Fatal(err)
	}
	plan, problems := inference.Compile(&f.Pipeline.Model, model.File.Inputs, inference.CompileOptions{
		EventTime: f.Pipeline.Source.EventTime, MaxRows: 1,
	})
	if plan == nil {
		t.Fatal(problems)
	}
	return plan
}

func TestNextAllocatesNothingWithRoom(t *testing.T) {
	g := cardevents.New(cardevents.Options{Seed: 1, Bad: 0.001})
	scratch := make([]byte, 0, 1024)
	if allocs := testing.AllocsPerRun(10_000, func() { g.Next(scratch, begin) }); allocs != 0 {
		t.Errorf("%.1f allocations an event, want none", allocs)
	}
}

func BenchmarkNext(b *testing.B) {
	g := cardevents.New(cardevents.Options{Seed: 1, Bad: 0.001})
	scratch := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		_, value := g.Next(scratch, begin)
		b.SetBytes(int64(len(value)))
	}
}
