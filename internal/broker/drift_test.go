package broker_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
)

// TestReferenceParts: a reference of any size comes back whole, in records that a
// broker takes, and one of whose parts some are older is refused.
func TestReferenceParts(t *testing.T) {
	for _, size := range []int{0, 1, drift.MaxDelta, 3 * drift.MaxDelta} {
		encoded := bytes.Repeat([]byte{'\n', 'a'}, (size+1)/2)[:size]
		parts := broker.SplitReference(encoded, "sha256:new")
		for _, part := range parts {
			if len(part) > drift.MaxDelta {
				t.Errorf("a part has %d bytes", len(part))
			}
		}
		if n, err := broker.ReferenceParts(parts[0]); n != len(parts) || err != nil {
			t.Errorf("%d parts (%v), want %d", n, err, len(parts))
		}
		got, digest, err := broker.JoinReference(parts)
		if !bytes.Equal(got, encoded) || digest != "sha256:new" || err != nil {
			t.Errorf("%d bytes of %s came back of %d: %v", len(got), digest, size, err)
		}
		if len(parts) > 1 {
			parts[1] = broker.SplitReference(encoded, "sha256:old")[1]
			if _, _, err := broker.JoinReference(parts); err == nil {
				t.Error("parts of two references were joined")
			}
			if _, _, err := broker.JoinReference(parts[1:]); err == nil {
				t.Error("a reference without its first part was read")
			}
		}
	}
	for _, bad := range []string{"", "0/1", "x/y d\n", "0/0 d\n", fmt.Sprintf("0/%s d\n", "-1")} {
		if _, err := broker.ReferenceParts([]byte(bad)); err == nil {
			t.Errorf("%q is the first part of a reference", bad)
		}
	}
}
