package childproc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// LimitMemory lets this process add at most extra bytes of private, writable
// memory to what it has. What Go only reserves does not count, so a Go program
// lives under it.
func LimitMemory(extra int64) error {
	now, err := memory("self", "VmData:")
	if err != nil {
		return err
	}
	// Nobody looks at a core file of the child, and it can be gigabytes.
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	limit := uint64(now + extra)
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit})
}

// VolunteerForKilling has the system end this process rather than its parent,
// which may well be the larger one, when memory runs out.
func VolunteerForKilling() error { return os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }

// PeakMemory is the most memory that this process ever held, 0 when unknown.
func PeakMemory() int64 {
	peak, err := memory("self", "VmHWM:")
	if err != nil {
		return 0
	}
	return peak
}

// ResidentMemory is the memory that a process holds, 0 when it is gone.
func ResidentMemory(pid int) int64 {
	rss, err := memory(strconv.Itoa(pid), "VmRSS:")
	if err != nil {
		return 0
	}
	return rss
}

// memory reads a field of /proc/PID/status in bytes.
func memory(pid, field string) (int64, error) {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if text, ok := bytes.CutPrefix(line, []byte(field)); ok {
			kilobytes, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(text), []byte(" kB"))), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%s/status has no %s", pid, field)
}

// Confine lets the child die with this process and makes it a process group of
// its own, so that Kill reaches what it starts. The child dies with the thread
// that starts it, so that thread must last as long as the child does.
func Confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// AwaitEnd waits for the child's end and leaves the rest to Wait. Until then
// nobody else gets the child's number, so kill hits nobody else.
func AwaitEnd(cmd *exec.Cmd) {
	err := error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		err = unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	}
}

// Kill ends the child and what it started. It must not come after Wait.
func Kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// SignalName is the signal that ended a process, "" when none did.
func SignalName(state *os.ProcessState) string {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ""
	}
	switch s := status.Signal(); s {
	case syscall.SIGSEGV:
		return "SIGSEGV"
	case syscall.SIGABRT:
		return "SIGABRT"
	case syscall.SIGBUS:
		return "SIGBUS"
	case syscall.SIGILL:
		return "SIGILL"
	case syscall.SIGFPE:
		return "SIGFPE"
	case syscall.SIGKILL:
		return "SIGKILL"
	default:
		return "signal " + strconv.Itoa(int(s))
	}
}
