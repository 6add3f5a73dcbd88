//go:build unix

package embedded

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be the child of the tests on a full disk.
func TestMain(m *testing.M) {
	if kind := os.Getenv(fullDiskEnv); kind != "" {
		if err := runFullDisk(kind, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
