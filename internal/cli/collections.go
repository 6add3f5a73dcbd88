package cli

import "runtime"

// spared is what may be allocated at least between two garbage collections.
const spared = 32 << 20 // bytes

// spareCollections has garbage collected less often until end is called. What a
// pipeline keeps is some megabytes, and by default the runtime collects whenever
// as much again was allocated: ten times a second at 10,000 events a second, of
// which each stops the workers for a moment, and on busy cores for milliseconds.
// Memory that counts as used and is never touched, so that none of it is resident,
// puts that off.
//
// A user who tells the runtime how to collect, with GOGC or GOMEMLIMIT, is obeyed.
func spareCollections(lookup func(string) (string, bool)) (end func()) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, told := lookup(name); told {
			return func() {}
		}
	}
	idle := make([]byte, spared)
	return func() { runtime.KeepAlive(idle) }
}
