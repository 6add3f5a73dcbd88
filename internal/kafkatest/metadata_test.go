//go:build kafka

package kafkatest

import (
	"fmt"
	"testing"
)

// TestFenceIsWritten: a broker that was killed counts as alive until the
// controller has written that it is not, and again once it has returned.
func TestFenceIsWritten(t *testing.T) {
	b := ForTest(t, Options{})
	is := func(when string, want bool) {
		t.Helper()
		if got, err := b.fenced(); err != nil || got != want {
			t.Fatalf("%s: fenced is %t, %v; want %t", when, got, err, want)
		}
	}
	up := func() { // CreateTopic returns when it leads the topic, so it takes part
		t.Helper()
		if err := b.CreateTopic(t.Context(), fmt.Sprint("led-", b.PID()), 1); err != nil {
			t.Fatal(err)
		}
		is("when it is up", false)
	}
	up()
	for range 2 {
		if err := b.Kill(); err != nil {
			t.Fatal(err)
		}
		is("after a kill", false)
		if err := b.fence(t.Context()); err != nil {
			t.Fatal(err)
		}
		is("after the controller has run", true)
		b.crashed = false // so that Restart does not do it again
		if err := b.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		up()
	}
}
