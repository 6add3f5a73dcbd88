//go:build kafka

package kafkatest

import (
	"fmt"
	"testing"
)

// TestFenceIsWritten: a broker that was killed counts as alive until the
// controller has written that it is not, and again once it has returned.
func TestFenceIsWritten(t *testing.T) {
	t.Parallel()
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

// TestFencedAfter: records as Kafka 4.3.1 writes them.
func TestFencedAfter(t *testing.T) {
	for _, c := range []struct {
		what   string
		before bool
		record string
		want   bool
	}{
		{"the broker is new", false, "\x01\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06\x87", true},
		{"it takes part", true, "\x01\x11\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06\x87\x01\x00\x01\xff", false},
		{"it is fenced", false, "\x01\x11\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06\x87\x01\x00\x01\x01", true},
		{"another field of it changes", false, "\x01\x11\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06\x87\x01\x03\x01\x01", false},
		{"the controller is new", false, "\x01\x1b\x00\x00\x00\x00\x01\x87\xb8\xea\xb4\x2c\x01\x4b\x30\xb4\xb2\x37\xd0\xef\xe5\x9d\x90\x00", false},
	} {
		if got := fencedAfter(c.before, []byte(c.record)); got != c.want {
			t.Errorf("%s: fenced is %t", c.what, got)
		}
	}
}
