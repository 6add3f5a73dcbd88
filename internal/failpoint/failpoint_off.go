//go:build !failpoints

package failpoint

// Enabled tells whether this build has failpoints. A constant, so that the
// compiler leaves out what stands behind it.
const Enabled = false

// Hit does nothing in this build.
func Hit(string) {}

// Mutant is false in this build.
func Mutant(string) bool { return false }

// Epoch does nothing in this build.
func Epoch(int, bool) {}
