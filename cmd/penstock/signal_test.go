package main

import (
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestSignals: the first signal drains, one right after it is the same wish, and
// a later one aborts.
func TestSignals(t *testing.T) {
	const drained = 7 // the command's own exit code
	for name, c := range map[string]struct {
		at   []time.Duration // of the signals
		want int
	}{
		"one":                {[]time.Duration{0}, drained},
		"two at once":        {[]time.Duration{0, 0, oneWish / 2}, drained},
		"a second wish":      {[]time.Duration{0, oneWish}, 1},
		"at once, and later": {[]time.Duration{0, 0, 2 * oneWish}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				code, signals := make(chan int, 1), make(chan os.Signal, len(c.at))
				for _, after := range c.at {
					time.AfterFunc(after, func() { signals <- os.Interrupt })
				}
				drains := 0
				got := wait(code, signals, func() {
					drains++
					time.AfterFunc(10*oneWish, func() { code <- drained })
				})
				if got != c.want || drains != 1 {
					t.Errorf("exit code %d after %d drains, want %d after one", got, drains, c.want)
				}
			})
		})
	}
}
