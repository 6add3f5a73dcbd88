//go:build !linux

package childproc

import (
	"os"
	"os/exec"
)

// Only Linux counts memory in a way that can be limited and watched from
// outside; elsewhere a child is limited in time alone.

// LimitMemory does nothing here.
func LimitMemory(int64) error { return nil }

// VolunteerForKilling does nothing here.
func VolunteerForKilling() error { return nil }

// PeakMemory is unknown here.
func PeakMemory() int64 { return 0 }

// ResidentMemory is unknown here.
func ResidentMemory(int) int64 { return 0 }

// Confine does nothing here: the child ends when its standard input does.
func Confine(*exec.Cmd) {}

// AwaitEnd waits for the child's end; a second Wait does no harm.
func AwaitEnd(cmd *exec.Cmd) { _ = cmd.Wait() }

// Kill knows by itself whether the child is still there.
func Kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// SignalName is the signal that ended a process, "" when none did.
func SignalName(state *os.ProcessState) string {
	if state.ExitCode() >= 0 {
		return ""
	}
	return state.String()
}
