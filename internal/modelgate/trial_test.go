//go:build linux

package modelgate

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func gate(behaviour string) *Gate {
	return &Gate{Child: []string{os.Args[0], "child", behaviour}, Runtime: "1.31.1", Version: "0.1.0", Limit: 20 * time.Second, Memory: 256 << 20}
}

func TestTry(t *testing.T) {
	cases := []struct {
		behaviour string
		says      string // "" when it passes
		refused   bool
	}{
		{"pass", "", false},
		{"echo", "", false},
		{"chatter", "", false},
		{"touch:128", "", false},
		{"reserve:65536", "", false},
		{"setup", "there is no runtime library", false},
		{"no cores", "", false},
		{"slow twice", "", false},
		{"refuse:70000", "the runtime refuses the model: nnn", true},
		{"refuse", "the runtime refuses the model: Node (x) has input size 3", true},
		{"touch:2048", "needed more than 256 MiB of memory", true},
		{"claim:300", "needed more than 256 MiB of memory", true},
		{"share:300", "needed more than 256 MiB of memory", true},
		{"bad_alloc", "needed more than 256 MiB of memory", true},
		{"signal:11", "crashed the runtime (SIGSEGV)", true},
		{"signal:6", "crashed the runtime (SIGABRT)", true},
		{"signal:9", "the system killed the process", true},
		{"signal:15", "crashed the runtime (signal 15)", true},
		{"panic", "crashed the runtime (exit code 2); export it again, or with another version of its exporter; the runtime said: panic: index out of range", true},
		{"exit:0", "crashed the runtime (exit code 0)", true},
		{"exit:3", "crashed the runtime (exit code 3)", true},
		{"chatter and crash", "(exit code 9)", true},
		{"forge", "crashed the runtime (exit code 0)", true},
	}
	model := make([]byte, 300_000) // more than a pipe holds
	for i := range model {
		model[i] = byte(i * 7)
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			t.Parallel()
			if raceDetector && c.behaviour == "touch:128" {
				t.Skip("the race detector's shadow of 128 MiB counts, too")
			}
			g := gate(c.behaviour)
			if c.behaviour == "slow twice" {
				g.Limit = 2 * time.Second
			}
			err := g.Try(t.Context(), &Model{Bytes: model}, []byte("a request"))
			_, refused := errors.AsType[*Refusal](err)
			if (err == nil) != (c.says == "") || refused != c.refused || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v; want an error that says %q, refusal %v", err, c.says, c.refused)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestTryEndsAModelThatDoesNot(t *testing.T) {
	g := gate("spin")
	g.Limit = 300 * time.Millisecond
	start := time.Now()
	err := g.Try(t.Context(), &Model{}, nil)
	if r, ok := errors.AsType[*Refusal](err); !ok || !strings.Contains(r.Text, "took longer than 300ms") {
		t.Errorf("got %v, want that it took longer than 300ms", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// A child that never reads its input holds the parent up no longer than one
// that has it.
func TestTryEndsAChildThatDoesNotListen(t *testing.T) {
	g := &Gate{Child: []string{"sleep", "60"}, Limit: 300 * time.Millisecond}
	start := time.Now()
	if err := g.Try(t.Context(), &Model{Bytes: make([]byte, 1<<20)}, nil); err == nil || !strings.Contains(err.Error(), "not ready within 300ms") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// What the child leaves behind does not hold the parent up, nor outlive it.
func TestTryKillsWhatTheChildStarted(t *testing.T) {
	for _, then := range []string{"wait", "exit 3"} {
		file := filepath.Join(t.TempDir(), "pid")
		g := &Gate{Child: []string{"sh", "-c", `sleep 60 & echo $! > "$1"; ` + then, "sh", file}, Limit: 500 * time.Millisecond}
		if err := g.Try(t.Context(), &Model{}, nil); err == nil {
			t.Error("a shell passed the trial")
		}
		gone(t, pidIn(t, file))
	}
}

func TestTryStopsWithItsContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(readFileOr(file)) == 0 && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	if err := gate("spin").Try(ctx, &Model{}, []byte(file)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	gone(t, pidIn(t, file))
}

func TestTryWithoutAChild(t *testing.T) {
	g := &Gate{Child: []string{filepath.Join(t.TempDir(), "nothing")}}
	err := g.Try(t.Context(), &Model{}, nil)
	if _, refused := errors.AsType[*Refusal](err); refused || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v; want an error that is no refusal", err)
	}
}

// A child that never had the model says nothing about the model, whatever it
// dies of.
func TestChildThatNeverHadTheModelIsNotItsFault(t *testing.T) {
	for script, says := range map[string]string{
		"echo no such library >&2; exit 127": "exit code 127; it said: no such library",
		"exit 0":                             "exit code 0",
		"kill -SEGV $$":                      "SIGSEGV",
		"kill -KILL $$":                      "SIGKILL",
		"echo std::bad_alloc >&2; exit 1":    "bad_alloc",
		"sleep 60":                           "not ready within 1s",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			g := &Gate{Child: []string{"/bin/sh", "-c", script}, Limit: time.Second}
			err := g.Try(t.Context(), &Model{Bytes: make([]byte, 1<<20)}, nil)
			if _, refused := errors.AsType[*Refusal](err); refused || err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("got %v; want an error that says %q and is no refusal", err, says)
			}
		})
	}
}

// SIGKILL gives the parent no chance to clean up.
func TestChildDiesWithItsParent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	parent := exec.Command(os.Args[0], "child", "parent", file)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := pidIn(t, file)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	gone(t, pid)
}

func readFileOr(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b))
}

// pidIn waits for a process to write its id into a file.
func pidIn(t *testing.T, path string) int {
	t.Helper()
	for range 1000 {
		if pid, err := strconv.Atoi(readFileOr(path)); err == nil {
			return pid
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the process never began")
	return 0
}

// gone waits for a process to end; a dead one that nobody reaped counts.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestLimitsFollowTheFile(t *testing.T) {
	g := &Gate{}
	for size, want := range map[int]int64{0: 1 << 30, 100 << 20: 1 << 30, 200 << 20: 1200 << 20} {
		if l := g.limits(size); l.Memory != want || l.Time != 10*time.Second {
			t.Errorf("%d bytes: %+v, want 10s and %d bytes", size, l, want)
		}
	}
}
