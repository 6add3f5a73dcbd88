//go:build cgo && linux

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/isolation"
)

const isolatedWall = 1_795_251_600_127_000_000

// isolatedPair opens a config's model in this process and for a child.
func isolatedPair(t *testing.T, path string, log *bytes.Buffer) (*worker, *isolation.Scorer) {
	t.Helper()
	s := &session{
		Streams: Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Lookup: os.LookupEnv},
		log:     slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	f, err := s.loadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.openModel(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.newWorker()
	if err != nil {
		t.Fatal(err)
	}
	child, err := m.isolated(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, end := range []func() error{child.Close, w.scorer.Close, m.close} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
	return w, child
}

// streamed makes the lines of a file the events of a stream.
func streamed(t *testing.T, path string) []penstock.Event {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []penstock.Event
	subjects := []string{"", "transactions.eu"} // as on Kafka, and as on NATS
	for line := range bytes.Lines(text) {
		events = append(events, penstock.Event{
			ID:    penstock.EventID{Source: "transactions", Subject: subjects[len(events)%2], Partition: 2, Offset: int64(len(events))},
			Value: bytes.TrimSpace(line), Time: 1_795_251_599_000 + int64(len(events)),
		})
	}
	return events
}

// here gives the records of the events as this process makes them.
func here(t *testing.T, w *worker, events []penstock.Event) []string {
	t.Helper()
	w.batch.Reset()
	for i := range events {
		if r := w.batch.DecodeJSON(events[i].Value); r != nil {
			t.Fatal(r)
		}
	}
	scores, err := w.scorer.Score(w.batch)
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for i := range events {
		stamp := inference.Stamp{ID: events[i].ID, Time: isolatedWall, Record: events[i].Time}
		records = append(records, string(w.encoder.Append(nil, &stamp, scores, i)))
	}
	return records
}

// there gives the records of the events as a child makes them.
func there(t *testing.T, s *isolation.Scorer, events []penstock.Event) []string {
	t.Helper()
	var records []string
	err := s.Score(t.Context(), events, isolatedWall, func(i int, record []byte, r *penstock.Rejection) {
		if r != nil {
			record = []byte(r.Error())
		}
		records = append(records, string(record))
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// pairedConfig is for a model whose lone rows must be run as two.
func pairedConfig(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "mapping.json"))
	if err != nil {
		t.Fatal(err)
	}
	var mapping struct{ Inputs []struct{ From []string } }
	if err := json.Unmarshal(text, &mapping); err != nil {
		t.Fatal(err)
	}
	model, err := filepath.Abs(filepath.Join(dir, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "paired.yaml")
	config := fmt.Sprintf("name: paired\nmodel:\n  path: %s\n  inputs: {input: {from: [%s], missing: nan}}\n  output: {include: all}\n",
		model, strings.Join(mapping.Inputs[0].From, ", "))
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestIsolatedRecordsAreTheSame compares what a child makes of events, together
// and one by one, with what this process makes of them.
func TestIsolatedRecordsAreTheSame(t *testing.T) {
	const paired = "../../testdata/models/logreg_tiny"
	for name, test := range map[string]struct{ config, events string }{
		"bundled": {"../../examples/card-fraud/pipeline.yaml", "../../examples/card-fraud/events.jsonl"},
		"paired":  {pairedConfig(t, paired), filepath.Join(paired, "events.jsonl")},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			w, child := isolatedPair(t, test.config, &log)
			events := streamed(t, test.events)
			want := here(t, w, events)
			if got := there(t, child, events); !slices.Equal(got, want) {
				t.Errorf("together: %s", firstDifference(got, want))
			}
			for i := range events[:20] {
				if got := there(t, child, events[i:i+1]); !slices.Equal(got, want[i:i+1]) {
					t.Errorf("alone: %s", firstDifference(got, want[i:i+1]))
				}
			}
			if log.Len() > 0 {
				t.Errorf("a child died: %s", log.String())
			}
		})
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("record %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d records, want %d", len(got), len(want))
}

// TestIsolatedChildKilled kills children at any time while they score: all
// records come, once and in order.
func TestIsolatedChildKilled(t *testing.T) {
	var log bytes.Buffer
	w, child := isolatedPair(t, "../../examples/card-fraud/pipeline.yaml", &log)
	events := streamed(t, "../../examples/card-fraud/events.jsonl")
	want := here(t, w, events)
	there(t, child, events[:1]) // starts it
	deaths := func() int { return strings.Count(log.String(), "how=SIGKILL") }
	for attempt := 0; attempt < 300 && deaths() < 3; attempt++ {
		pid := childPID(t)
		killed := make(chan struct{})
		time.AfterFunc(rand.N(3*time.Millisecond), func() {
			defer close(killed)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		})
		if got := there(t, child, events); !slices.Equal(got, want) {
			t.Fatal(firstDifference(got, want))
		}
		<-killed
		there(t, child, events[:1]) // starts another one where this one died at rest
	}
	if deaths() < 3 {
		t.Errorf("%d children died while they scored, want 3", deaths())
	}
}

// TestIsolatedChildIsBounded wants a child that cannot take the machine's memory
// and that the system would rather take than its parent.
func TestIsolatedChildIsBounded(t *testing.T) {
	var log bytes.Buffer
	_, child := isolatedPair(t, "../../examples/card-fraud/pipeline.yaml", &log)
	there(t, child, streamed(t, "../../examples/card-fraud/events.jsonl")[:1])
	proc := fmt.Sprintf("/proc/%d/", childPID(t))
	limits, err := os.ReadFile(proc + "limits")
	if err != nil {
		t.Fatal(err)
	}
	data := regexp.MustCompile(`Max data size +(\d+) `).FindSubmatch(limits)
	if data == nil {
		t.Fatalf("its data has no limit:\n%s", limits)
	}
	if most, err := strconv.ParseInt(string(data[1]), 10, 64); err != nil || most < isolatedMemory || most > 4*isolatedMemory {
		t.Errorf("its data may be %d bytes, want somewhat more than %d", most, isolatedMemory)
	}
	if score, err := os.ReadFile(proc + "oom_score_adj"); err != nil || string(score) != "1000\n" {
		t.Errorf("oom_score_adj is %q, %v, want 1000", score, err)
	}
}

// childPID is the number of this process's only child.
func childPID(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name, in parentheses, may hold anything; then come state and parent.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if fields[0] != "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("there is no child")
	return 0
}

// TestIsolatedModelSwapped wants a child that refuses another model than its
// parent has, and no event blamed for it.
func TestIsolatedModelSwapped(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"pipeline.yaml", "fraud.onnx", "golden.jsonl"} {
		text, err := os.ReadFile(filepath.Join("../../examples/card-fraud", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	_, child := isolatedPair(t, filepath.Join(dir, "pipeline.yaml"), &log)
	other, err := os.ReadFile("../../testdata/models/housing_xgb/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fraud.onnx"), other, 0o600); err != nil {
		t.Fatal(err)
	}
	err = child.Score(t.Context(), streamed(t, "../../examples/card-fraud/events.jsonl")[:1], isolatedWall,
		func(int, []byte, *penstock.Rejection) { t.Error("an event was answered") })
	if err == nil || !strings.Contains(err.Error(), "model.sha256: the model's sha256 is") {
		t.Errorf("error %v, want that the model is another one", err)
	}
}

// TestIsolatedSetup wants all of a model's config to reach the child, whatever
// bytes its paths hold.
func TestIsolatedSetup(t *testing.T) {
	want := isolatedModel{Pipeline: "p", Path: []byte("caf\xe9/m.onnx"), Examples: []byte("\xff"), PairLoneRows: true, MaxRows: 3, EventTime: "ts"}
	want.Model = inference.Config{
		Timeout: time.Second, SHA256: "ab", Device: "cpu",
		Inputs: []inference.Input{{
			Name: "x", List: true, Pad: &inference.Literal{Text: "0"},
			Columns: []inference.Column{{From: "a.b", Coerce: true, At: 2, Missing: inference.Missing{Policy: inference.MissingFill, Fill: inference.Literal{Kind: inference.TextLiteral, Text: "?"}}}},
		}},
		Output: inference.Output{Include: &inference.Include{All: true}, Pass: []string{"id"}},
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got isolatedModel
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, again) || string(got.Path) != "caf\xe9/m.onnx" || got.Model.Inputs[0].Pad.Text != "0" || !got.Model.Output.Include.All {
		t.Errorf("%+v, want %+v", got, want)
	}
}
