//go:build unix

package isolation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/isolation"
)

const wall = 1_795_251_600_127_000_000

// events have these values for x.
func events(x ...float32) []penstock.Event {
	var all []penstock.Event
	for i, v := range x {
		all = append(all, penstock.Event{
			ID:    penstock.EventID{Source: "transactions", Partition: 3, Offset: 1<<40 + int64(i)},
			Value: fmt.Appendf(nil, `{"x":%v}`, v), Time: 1_795_251_599_000 + int64(i),
		})
	}
	return all
}

// scorer makes one whose children are this binary.
func scorer(t *testing.T, s setup, log *slog.Logger) *isolation.Scorer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	scorer := isolation.New(isolation.Options{Command: []string{self, childName}, Setup: text, Timeout: timeout, Log: log})
	t.Cleanup(func() {
		if err := scorer.Close(); err != nil {
			t.Error(err)
		}
	})
	return scorer
}

// noDeaths is for children that must not die: the neighbours of one would be
// scored all the same, and nobody would notice.
func noDeaths(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(complaint{t}, nil)) }

type complaint struct{ t *testing.T }

func (c complaint) Write(line []byte) (int, error) {
	c.t.Errorf("a child died: %s", line)
	return len(line), nil
}

// score gives what became of each event, as text: its record, or the class and
// the words of its rejection.
func score(t *testing.T, s *isolation.Scorer, all []penstock.Event) ([]string, error) {
	t.Helper()
	var answers []string
	err := s.Score(t.Context(), all, wall, func(i int, record []byte, r *penstock.Rejection) {
		if i != len(answers) {
			t.Errorf("an answer to event %d, not to %d", i, len(answers))
		}
		if r != nil {
			answers = append(answers, string(r.Class)+": "+r.Error())
		} else {
			answers = append(answers, string(record))
		}
	})
	return answers, err
}

// inProcess gives the records of events that this process scores itself.
func inProcess(t *testing.T, all []penstock.Event) []string {
	t.Helper()
	m, err := fakeModel("", false)
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for _, e := range all {
		m.Batch.Reset()
		if r := m.Batch.DecodeJSON(e.Value); r != nil {
			t.Fatal(r)
		}
		scores, err := m.Scorer.Score(m.Batch)
		if err != nil {
			t.Fatal(err)
		}
		stamp := inference.Stamp{ID: e.ID, Time: wall, Record: e.Time}
		records = append(records, string(m.Encoder.Append(nil, &stamp, scores, 0)))
	}
	return records
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("event %d: got %s, want %s", i, got[i], want[i])
		}
	}
}

// The child's records are those of the process itself, in batches of any size,
// and it serves more than once.
func TestRecordsAreTheWorkersOwn(t *testing.T) {
	s := scorer(t, setup{}, noDeaths(t))
	for _, n := range []int{1, batchRows, 0, 3*batchRows + 1} {
		all := events(make([]float32, n)...)
		for i := range all {
			all[i].Value = fmt.Appendf(nil, `{"x":%d,"ts":"2026-11-21T09:00:00Z"}`, i)
		}
		if n > 2 {
			all[1].Value = []byte(`{"x":0.1}`) // has its record's time
		}
		got, err := score(t, s, all)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, inProcess(t, all))
	}
}

func TestRejectionsAreTheWorkersOwn(t *testing.T) {
	all := events(1, 2, fails, 3, 4, 5)
	all[1].Value = []byte(`{"x":"a"}`)
	all[4].Value = []byte(``)
	got, err := score(t, scorer(t, setup{}, noDeaths(t)), all)
	if err != nil {
		t.Fatal(err)
	}
	m, err := fakeModel("", false)
	if err != nil {
		t.Fatal(err)
	}
	mistyped, empty := m.Batch.DecodeJSON(all[1].Value), m.Batch.DecodeJSON(all[4].Value)
	good := inProcess(t, []penstock.Event{all[0], all[3], all[5]})
	equal(t, got, []string{
		good[0], "type: " + mistyped.Error(), "model: no such category", good[1], "decode: " + empty.Error(), good[2],
	})
}

// An event that ends its process is rejected, its neighbours are not, and the
// log tells of three deaths: one of the batch and two of the event alone.
func TestCulpritIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		x   float32
		how string
	}{
		"killed":   {kills, "SIGKILL"},
		"segfault": {segfault, "SIGSEGV"},
		"panic":    {panics, "exit code 2"},
		"exit":     {exits, "exit code 7"},
		"hang":     {hangs, "no answer within 5.04s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.x == hangs && testing.Short() {
				t.Skip("it waits for time to run out three times")
			}
			var log bytes.Buffer
			all := events(1, 2, test.x, 4, 5, 6)
			got, err := score(t, scorer(t, setup{}, slog.New(slog.NewTextHandler(&log, nil))), all)
			if err != nil {
				t.Fatal(err)
			}
			good := inProcess(t, append(events(1, 2, 3, 4, 5, 6)[:2:2], all[3:]...))
			crash := "crash: the process died on this event, 2 times: " + test.how
			equal(t, got, []string{good[0], good[1], crash, good[2], good[3], good[4]})
			if deaths := strings.Count(log.String(), "\n"); deaths != 3 || !strings.Contains(log.String(), "transactions/3/1099511627778") {
				t.Errorf("the log has %d lines, want 3 with the event's id: %s", deaths, log.String())
			}
		})
	}
}

// Several culprits, among them the first and the last event and two in a row.
func TestSeveralCulprits(t *testing.T) {
	all := events(kills, 2, exits, kills, 5, exits)
	got, err := score(t, scorer(t, setup{}, nil), all)
	if err != nil {
		t.Fatal(err)
	}
	good := inProcess(t, []penstock.Event{all[1], all[4]})
	const crash = "crash: the process died on this event, 2 times: "
	equal(t, got, []string{crash + "SIGKILL", good[0], crash + "exit code 7", crash + "SIGKILL", good[1], crash + "exit code 7"})
}

// One death may be chance, and so may be the batch's: the event is scored in the
// end.
func TestDeathByChance(t *testing.T) {
	for _, all := range [][]penstock.Event{events(1, diesOnce, 3), events(diesOnce), events(diesTwice, 2), events(diesTwice, 2, diesOnce)} {
		got, err := score(t, scorer(t, setup{Dir: t.TempDir()}, nil), all)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, inProcess(t, all))
	}
}

// What was answered before a death stays answered, and the log names who was
// not.
func TestAnswersBeforeADeathCount(t *testing.T) {
	var log bytes.Buffer
	all := events(1, 2, 3, 4, 5, diesOnce, 7)
	got, err := score(t, scorer(t, setup{Dir: t.TempDir()}, slog.New(slog.NewTextHandler(&log, nil))), all)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, inProcess(t, all))
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "event=transactions/3/1099511627780 events=3 how=SIGKILL") {
		t.Errorf("the log says %s, want one death with 3 events from the fifth on", log.String())
	}
}

// A child that dies when nobody asks it anything is replaced, without a word.
func TestDeathAtRest(t *testing.T) {
	s := scorer(t, setup{}, noDeaths(t))
	for range 3 {
		if got, err := score(t, s, events(diesLater)); err != nil || len(got) != 1 {
			t.Fatalf("%q, %v", got, err)
		}
		time.Sleep(300 * time.Millisecond) // nothing else tells that it has ended
	}
}

// What the runtime prints on standard output is no answer.
func TestChatter(t *testing.T) {
	all := events(1, chatters, 3, chatters, 5, chatters)
	got, err := score(t, scorer(t, setup{}, noDeaths(t)), all)
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range got {
		if !strings.HasPrefix(record, `{"id":"transactions/3/`) || !strings.HasSuffix(record, "}") {
			t.Errorf("event %d: %s, want a record", i, record)
		}
	}
}

// A broken runtime blames nobody; what preceded counts, and the child lives on.
func TestBrokenRuntime(t *testing.T) {
	s := scorer(t, setup{}, noDeaths(t))
	all := events(1, 2, 3, 4, breaks, 6)
	got, err := score(t, s, all)
	if !errors.Is(err, inference.ErrBroken) {
		t.Fatalf("error %v, want ErrBroken", err)
	}
	equal(t, got, inProcess(t, all[:4]))
	if got, err = score(t, s, all[:1]); !errors.Is(err, inference.ErrBroken) || len(got) > 0 {
		t.Errorf("then %q, %v; want no answer and ErrBroken", got, err)
	}
}

// A child that is not ready blames nobody either.
func TestChildThatDoesNotStart(t *testing.T) {
	for start, want := range map[string]string{
		"refuse":         "no such model",
		"die":            "SIGKILL; it said: terrible things",
		"die while warm": "SIGKILL",
	} {
		t.Run(start, func(t *testing.T) {
			got, err := score(t, scorer(t, setup{Start: start}, nil), events(1))
			if err == nil || !strings.Contains(err.Error(), want) || len(got) > 0 {
				t.Errorf("answers %q, error %v, want none and %q", got, err, want)
			}
		})
	}
	t.Run("no program", func(t *testing.T) {
		s := isolation.New(isolation.Options{Command: []string{"/no/such/program"}})
		if _, err := score(t, s, events(1)); err == nil || !strings.Contains(err.Error(), "/no/such/program") {
			t.Errorf("error %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The end of ctx ends a child that hangs, at once and without blame, and the
// next call has another one.
func TestCancelled(t *testing.T) {
	s := scorer(t, setup{}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := s.Score(ctx, events(hangs), wall, func(i int, _ []byte, r *penstock.Rejection) {
		t.Errorf("event %d was answered, %v", i, r)
	})
	if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > 4*time.Second {
		t.Errorf("%v after %v, want the context's error at once", err, took)
	}
	if got, err := score(t, s, events(1)); err != nil || len(got) != 1 {
		t.Errorf("then %q, %v", got, err)
	}
}

// More events than one request holds.
func TestManyBytes(t *testing.T) {
	all := events(make([]float32, 5)...)
	padding := strings.Repeat("x", 5<<20)
	for i := range all {
		all[i].Value = fmt.Appendf(nil, `{"x":%d,"padding":"%s"}`, i, padding)
	}
	got, err := score(t, scorer(t, setup{}, noDeaths(t)), all)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, inProcess(t, all))
}

// The child ends well when its parent has said all, and not when the parent
// breaks off, as it does when it dies.
func TestServeEndsWithItsInput(t *testing.T) {
	setup := "\x1c\x00\x00\x00" + strings.Repeat("n", 26) + "{}"
	for in, want := range map[string]string{
		setup:                        "",
		setup + "\x09\x00\x00\x00ab": "unexpected EOF",
		setup + "\x02\x00\x00\x00ab": "a frame ends too early",
		setup[:9]:                    "read the setup: unexpected EOF",
		"\x01\x00\x00\x00n" + setup:  "read the setup: a frame ends too early",
	} {
		err := isolation.Serve(strings.NewReader(in), io.Discard, openFake)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", in, err, want)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	s := scorer(t, setup{}, noDeaths(t))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := score(t, s, events(1)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
