//go:build kafka

package faults

import "testing"

// keepOpen holds each epoch open for a moment before its commit. Without, kills
// would cut few, and a storm would find nothing.
const keepOpen = "before-commit:pause:20ms"

// size is that of a storm in make test-kafka, or in make faults.
func size() storm {
	if *long {
		return storm{kills: 200, brokerKills: 20, rate: 1000}
	}
	return storm{kills: 15, brokerKills: 2, rate: 1000}
}

func TestStormExactlyOnce(t *testing.T) {
	st := newStage(t, setting{failpoints: keepOpen})
	faults := size().run(st)
	v := st.judge()
	t.Logf("exactly once: %v: %v", faults, v)
	if v.violations() > 0 {
		t.Error("exactly once was broken")
	}
}

func TestStormAtLeastOnce(t *testing.T) {
	st := newStage(t, setting{atLeastOnce: true, failpoints: keepOpen})
	faults := size().run(st)
	v := st.judge()
	t.Logf("at least once: %v: %v", faults, v)
	if v.violationsAtLeastOnce() > 0 {
		t.Error("at least once was broken")
	}
}
