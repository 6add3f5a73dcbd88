//go:build cgo

package onnx

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/penstock/penstock/inference"
)

// TestTimeoutCutsRun runs a model that would take half an hour.
func TestTimeoutCutsRun(t *testing.T) {
	m := openFile(t, sharedModels+"/bad/slow_model.onnx", Options{})
	r := newRunner(t, m)
	in := []*inference.Tensor{tensorOf(inference.Float32, []int64{1, 2}, float32(1), 2)}
	for range 3 { // the same runner again: nothing of the last cut is left
		begin := time.Now()
		err := r.Run(in, outputsFor(m), 50*time.Millisecond)
		if !errors.Is(err, inference.ErrTimeout) {
			t.Fatalf("error %v, want %v", err, inference.ErrTimeout)
		}
		if took := time.Since(begin); took < 50*time.Millisecond || took > 5*time.Second {
			t.Errorf("cut after %s", took)
		}
	}
}

// TestLateTimerSparesNextRun gives runs limits near the time that they take,
// so that timers fire before, during and just after them, each followed by a
// run with plenty of time, which must never be cut.
func TestLateTimerSparesNextRun(t *testing.T) {
	m := openShared(t, "card_fraud_gbdt", Options{})
	r := newRunner(t, m)
	in := loadEvents(t, "card_fraud_gbdt", "events.jsonl").tensors(t, 0, 64)
	want, out := outputsFor(m), outputsFor(m)
	if err := r.Run(in, want, 0); err != nil {
		t.Fatal(err)
	}
	cut := 0
	for i := range 1500 {
		limit := time.Duration(i%300) * time.Microsecond
		if err := r.Run(in, out, max(limit, 1)); errors.Is(err, inference.ErrTimeout) {
			cut++
		} else if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []time.Duration{0, time.Minute} {
			if err := r.Run(in, out, limit); err != nil {
				t.Fatalf("run %d, limit %s after one of %s: %v", i, limit, time.Duration(i%300)*time.Microsecond, err)
			}
			if !slices.Equal(out[1].Data, want[1].Data) {
				t.Fatalf("run %d gives other scores", i)
			}
		}
	}
	if cut == 0 {
		t.Error("no run was cut: the limits do not reach the runs' time, and this test tests nothing")
	}
	t.Logf("%d of 1500 cut", cut)
}

// TestStopWaitsForLateTimer holds back a timer that has fired, as a busy
// machine would, until the run that it was for is over.
func TestStopWaitsForLateTimer(t *testing.T) {
	m := openShared(t, "logreg_tiny", Options{})
	r := newRunner(t, m).(*Runner)
	fired, gate := make(chan struct{}), make(chan struct{})
	r.limit.timer = time.AfterFunc(0, func() {
		close(fired)
		<-gate
		r.limit.fire()
	})
	<-fired
	time.AfterFunc(20*time.Millisecond, func() { close(gate) })
	if !r.limit.stop() {
		t.Error("stop does not tell that the time was up")
	}
	select {
	case <-gate:
	default:
		t.Error("stop did not wait for the timer")
		<-gate
	}
	in := []*inference.Tensor{tensorOf(inference.Float32, []int64{1, 20}, make([]float32, 20)...)}
	for range 100 {
		if err := r.Run(in, outputsFor(m), 0); err != nil {
			t.Fatalf("the run after: %v", err)
		}
	}
}
