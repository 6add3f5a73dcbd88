//go:build cgo

package onnx

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rss is the process's resident memory in bytes, after Go has given back what
// it does not need.
func rss(tb testing.TB) int {
	tb.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if value, ok := strings.CutPrefix(string(line), "VmRSS:"); ok {
			kB, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				tb.Fatal(err)
			}
			return kB << 10
		}
	}
	tb.Fatal("/proc/self/status has no VmRSS")
	return 0
}

// checkFlat repeats step after a warm-up and requires that memory stays within
// 5 % of what it was after it.
func checkFlat(t *testing.T, warmUp, steps int, step func()) {
	t.Helper()
	// Every further thread that takes part adds an arena of glibc's, once and
	// whenever the scheduler likes; what is measured here is what adds up.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range warmUp {
		step()
	}
	before := rss(t)
	for range 10 {
		for range steps / 10 {
			step()
		}
		if after := rss(t); after > before+before/20 || after < before-before/20 {
			t.Errorf("resident memory was %d kB after the warm-up and is %d kB now", before>>10, after>>10)
		}
	}
	t.Logf("%d kB after the warm-up, %d kB after %d steps", before>>10, rss(t)>>10, steps)
}

// TestMemoryIsFlatOverSwaps loads, runs and unloads a model a thousand times.
func TestMemoryIsFlatOverSwaps(t *testing.T) {
	for _, name := range []string{"iris_rf", "card_fraud_pipeline"} {
		t.Run(name, func(t *testing.T) {
			model := readModel(t, sharedModels+"/"+name+"/model.onnx")
			in := loadEvents(t, name, "events.jsonl").tensors(t, 0, 64)
			checkFlat(t, 100, 1000, func() {
				m, err := Open(model, Options{})
				if err != nil {
					t.Fatal(err)
				}
				r, err := m.NewRunner()
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Run(in, outputsFor(m), time.Minute); err != nil {
					t.Fatal(err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestMemoryIsFlatOverRuns runs a million rows one by one, and batches of
// changing sizes, strings and failing runs among them.
func TestMemoryIsFlatOverRuns(t *testing.T) {
	m := openShared(t, "logreg_tiny", Options{})
	r := newRunner(t, m)
	e := loadEvents(t, "logreg_tiny", "events.jsonl")
	in, out := e.tensors(t, 0, 1), outputsFor(m)
	checkFlat(t, 10_000, 1_000_000, func() {
		if err := r.Run(in, out, time.Minute); err != nil {
			t.Fatal(err)
		}
	})

	pipeline := openShared(t, "card_fraud_pipeline", Options{})
	rp, outP, ep := newRunner(t, pipeline), outputsFor(pipeline), loadEvents(t, "card_fraud_pipeline", "events.jsonl")
	one, many := ep.tensors(t, 0, 1), ep.tensors(t, 1, 150)
	transformer := openShared(t, "tiny_transformer", Options{})
	rt, outT := newRunner(t, transformer), outputsFor(transformer)
	poison := loadEvents(t, "tiny_transformer", "poison.jsonl").tensors(t, 0, 1)
	checkFlat(t, 500, 5000, func() {
		if rp.Run(one, outP, 0) != nil || rp.Run(many, outP, 0) != nil || rt.Run(poison, outT, 0) == nil {
			t.Fatal("a good run failed, or a bad one did not")
		}
	})
}

// TestBatchesLeaveNoMemoryBehind holds the arena off: with it the runtime keeps
// what the largest batch took. The very same measurement with it shows that
// there is something to be kept.
func TestBatchesLeaveNoMemoryBehind(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	in := loadEvents(t, "tiny_transformer", "events.jsonl").tensors(t, 0, 200)
	kept := func(o Options) int {
		m := openShared(t, "tiny_transformer", o)
		r := newRunner(t, m)
		out := outputsFor(m)
		trim := func() { // unloading a model gives back what is free
			if err := openShared(t, "logreg_tiny", Options{}).Close(); err != nil {
				t.Fatal(err)
			}
		}
		trim()
		before := rss(t)
		for range 3 {
			if err := r.Run(in, out, 0); err != nil {
				t.Fatal(err)
			}
		}
		trim()
		return rss(t) - before
	}
	without, with := kept(Options{}), kept(Options{arena: true})
	t.Logf("%d kB are kept without the arena, %d kB with it", without>>10, with>>10)
	if with < 8<<20 {
		t.Fatalf("only %d kB are kept with the arena: this test shows nothing", with>>10)
	}
	if without > with/4 {
		t.Errorf("%d kB are kept without the arena, %d kB with it", without>>10, with>>10)
	}
}
