//go:build failpoints

package failpoint

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Enabled tells whether this build has failpoints.
const Enabled = true

// The environment says what is to happen:
//
//	PENSTOCK_FAILPOINTS=published:kill:0.01,polled:pause:20ms
//	PENSTOCK_MUTANTS=commit-before-publish
const (
	pointsVariable  = "PENSTOCK_FAILPOINTS"
	mutantsVariable = "PENSTOCK_MUTANTS"
)

// Hit does what the environment asks for at this place: kill the process with
// a probability, or pause it.
func Hit(name string) {
	for point := range strings.SplitSeq(os.Getenv(pointsVariable), ",") {
		at, action, _ := strings.Cut(point, ":")
		if at != name {
			continue
		}
		switch verb, argument, _ := strings.Cut(action, ":"); verb {
		case "kill":
			if p, err := strconv.ParseFloat(argument, 64); err == nil && rand.Float64() < p {
				_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) // it does not return
			}
		case "pause":
			if d, err := time.ParseDuration(argument); err == nil {
				time.Sleep(d)
			}
		}
	}
}

// Mutant tells whether the program is to make the named mistake.
func Mutant(name string) bool {
	return slices.Contains(strings.Split(os.Getenv(mutantsVariable), ","), name)
}
