//go:build failpoints

package failpoint

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Enabled tells whether this build has failpoints.
const Enabled = true

// The environment says what is to happen:
//
//	PENSTOCK_FAILPOINTS=published:kill:0.01,polled:pause:20ms
//	PENSTOCK_MUTANTS=commit-before-publish
//	PENSTOCK_EPOCHS=FILE
const (
	pointsVariable  = "PENSTOCK_FAILPOINTS"
	mutantsVariable = "PENSTOCK_MUTANTS"
	epochsVariable  = "PENSTOCK_EPOCHS"
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

// Epoch notes in the environment's file, in the worker's byte, whether it has an
// epoch open: 1 from the moment when it has polled events until it knows what
// became of them, else 0. The file outlives the process, so that whoever killed
// that can see what the kill has cut.
func Epoch(worker int, open bool) {
	file := epochs()
	if file == nil {
		return
	}
	note := []byte{0}
	if open {
		note[0] = 1
	}
	if _, err := file.WriteAt(note, int64(worker)); err != nil {
		panic(err) // a suite that is told nothing would count nothing
	}
}

var epochs = sync.OnceValue(func() *os.File {
	name := os.Getenv(epochsVariable)
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err) // the suite has made the folder
	}
	return file
})
