package modelgate

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

// limitMemory lets this process add at most extra bytes of private, writable
// memory to what it has. What Go only reserves does not count, so a Go program
// lives under it.
func limitMemory(extra int64) error {
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

// peakMemory is the most memory that this process ever held, 0 when unknown.
func peakMemory() int64 {
	peak, err := memory("self", "VmHWM:")
	if err != nil {
		return 0
	}
	return peak
}

// residentMemory is the memory that a process holds, 0 when it is gone.
func residentMemory(pid int) int64 {
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

// confine lets the child die with this process and makes it a process group of
// its own, so that kill reaches what it starts.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// awaitEnd waits for the child's end and leaves the rest to Wait. Until then
// nobody else gets the child's number, so kill hits nobody else.
func awaitEnd(cmd *exec.Cmd) {
	err := error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		err = unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	}
}

func kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// signalName is the signal that ended a process, "" when none did.
func signalName(state *os.ProcessState) string {
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
