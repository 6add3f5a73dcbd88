//go:build unix

package brokertest

import "testing"

// TestPortsAreNotThoseOfOutgoingConnections: a client that dials a broker that
// is down must not be given the broker's own port to dial from.
func TestPortsAreNotThoseOfOutgoingConnections(t *testing.T) {
	ports, err := FreePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if port < 1024 || port >= 32768 || seen[port] {
			t.Errorf("ports %v: %d is reserved, taken twice or one for outgoing connections", ports, port)
		}
		seen[port] = true
	}
	if len(seen) != 20 {
		t.Errorf("asked for 20 ports, got %v", ports)
	}
}
