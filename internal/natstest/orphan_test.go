//go:build unix

package natstest

import (
	"bufio"
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

// alive tells whether a process is there.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// childEnv tells the test binary to be the process that starts a server and
// ends badly, and how.
const childEnv = "NATSTEST_CHILD"

// TestNoOrphan: however the process that started a server ends, the server ends
// with it, also a frozen one.
func TestNoOrphan(t *testing.T) {
	for _, how := range []string{"panic", "exit", "kill", "freeze"} {
		t.Run(how, func(t *testing.T) {
			child := exec.Command(os.Args[0], "-test.run=^TestChildOfNoOrphan$")
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
			for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatalf("the server %d outlived the process that started it", pid)
				}
			}
		})
	}
}

// announced reads which server the child started, and where.
func announced(t *testing.T, out io.Reader) (pid int, dir string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		t.Log("child:", lines.Text())
		if rest, ok := strings.CutPrefix(lines.Text(), "server "); ok {
			number, dir, _ := strings.Cut(rest, " ")
			pid, err := strconv.Atoi(number)
			if err != nil || !alive(pid) {
				t.Fatalf("the child announced %q", rest)
			}
			return pid, dir
		}
	}
	t.Fatal("the child did not start a server")
	return 0, ""
}

// TestChildOfNoOrphan is the child of TestNoOrphan, and nothing otherwise.
func TestChildOfNoOrphan(t *testing.T) {
	how := os.Getenv(childEnv)
	if how == "" {
		return
	}
	s, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if how == "freeze" {
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("server %d %s\n", s.PID(), s.Dir)
	switch how {
	case "panic":
		go func() { panic("as a test would, in a goroutine") }()
	case "exit":
		os.Exit(1)
	}
	time.Sleep(time.Minute) // until the panic, or the parent, ends this process
}
