//go:build !linux

package modelgate

import (
	"os"
	"os/exec"
)

// Only Linux counts memory in a way that can be limited and watched from
// outside; elsewhere a trial is limited in time alone.

func limitMemory(int64) error { return nil }

func peakMemory() int64 { return 0 }

func residentMemory(int) int64 { return 0 }

func confine(*exec.Cmd) {}

// awaitEnd waits for the child's end; a second Wait does no harm.
func awaitEnd(cmd *exec.Cmd) { _ = cmd.Wait() }

// kill knows by itself whether the child is still there.
func kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// signalName is the signal that ended a process, "" when none did.
func signalName(state *os.ProcessState) string {
	if state.ExitCode() >= 0 {
		return ""
	}
	return state.String()
}
