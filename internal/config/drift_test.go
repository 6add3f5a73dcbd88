package config

import (
	"go/build"
	"slices"
	"testing"
)

// TestZonesComeWithTheProgram: a container may have no time zones. The machine
// of this test has, so that only the import can be looked for.
func TestZonesComeWithTheProgram(t *testing.T) {
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(pkg.Imports, "time/tzdata") {
		t.Error("time/tzdata is not imported, so drift.zone fails where the machine has no tzdata")
	}
}
