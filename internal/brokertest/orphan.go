//go:build unix

package brokertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv tells the test binary to be the process that starts a broker and ends
// badly, and how.
const childEnv = "BROKERTEST_CHILD"

// Orphan is a broker that must not become one.
type Orphan interface {
	PID() int
	Pause() error
}

// NoOrphans checks that however the process that started a broker ends, the
// broker ends with it, also a frozen one. It runs the test that calls it again, in
// processes that start one, with its files in dir.
func NoOrphans(t *testing.T, start func(ctx context.Context) (broker Orphan, dir string, err error)) {
	if how := os.Getenv(childEnv); how != "" {
		beChild(t, how, start)
		return
	}
	for _, how := range []string{"panic", "exit", "kill", "freeze"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			parent, _, _ := strings.Cut(t.Name(), "/")
			child := exec.Command(os.Args[0], "-test.run=^"+parent+"$")
			child.Env = append(os.Environ(), childEnv+"="+how)
			child.Stderr = t.Output()
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			pid, dir := announced(t, out)
			defer os.RemoveAll(dir)
			if how == "kill" || how == "freeze" {
				_ = child.Process.Kill() // Wait says how it ended
			}
			if err := child.Wait(); err == nil {
				t.Error("the child ended well")
			}
			for deadline := time.Now().Add(10 * time.Second); Alive(pid); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatalf("the broker %d outlived the process that started it", pid)
				}
			}
		})
	}
}

// Alive tells whether a process is there.
func Alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// announced reads which broker the child started, and where.
func announced(t *testing.T, out io.Reader) (pid int, dir string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		t.Log("child:", lines.Text())
		if rest, ok := strings.CutPrefix(lines.Text(), "broker "); ok {
			number, dir, _ := strings.Cut(rest, " ")
			pid, err := strconv.Atoi(number)
			if err != nil || !Alive(pid) {
				t.Fatalf("the child announced %q", rest)
			}
			return pid, dir
		}
	}
	t.Fatal("the child did not start a broker")
	return 0, ""
}

// beChild starts a broker and ends badly.
func beChild(t *testing.T, how string, start func(ctx context.Context) (Orphan, string, error)) {
	t.Helper()
	b, dir, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if how == "freeze" {
		if err := b.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("broker %d %s\n", b.PID(), dir)
	switch how {
	case "panic":
		// Not in the test's own goroutine, where the testing package would catch it.
		go func() { panic("as a test would, in a goroutine") }()
	case "exit":
		os.Exit(1) //revive:disable-line:deep-exit as a test might
	}
	time.Sleep(time.Minute) // until the panic, or the parent, ends this process
}
