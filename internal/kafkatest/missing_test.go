//go:build unix

package kafkatest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhatIsMissingIsSaid: a machine without java or without the jars learns
// how to get them.
func TestWhatIsMissingIsSaid(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("HOME", empty)
	t.Setenv("XDG_CACHE_HOME", empty)
	t.Setenv("PATH", empty)
	refused(t, "openjdk-17-jre-headless")

	if err := os.WriteFile(filepath.Join(empty, "java"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	refused(t, "tools/kafka/fetch")
}

// refused asserts that Start fails and says what.
func refused(t *testing.T, what string) {
	t.Helper()
	b, err := Start(t.Context(), Options{})
	if err == nil {
		b.Close()
		t.Fatal("Start found a Kafka where there is none")
	}
	if !strings.Contains(err.Error(), what) {
		t.Errorf("Start says %q, and not how to get %s", err, what)
	}
}

// TestVersionIsThePoms: what fetch fetches is what Start looks for.
func TestVersionIsThePoms(t *testing.T) {
	pom, err := os.ReadFile("../../tools/kafka/pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`kafka_2\.13</artifactId>\s*<version>([^<]+)<`).FindSubmatch(pom)
	if found == nil || string(found[1]) != Version {
		t.Errorf("pom.xml has version %q, and Version is %s", found, Version)
	}
}

// TestPortsAreNotThoseOfOutgoingConnections: a client that dials a broker that
// is down must not be given the broker's own port to dial from.
func TestPortsAreNotThoseOfOutgoingConnections(t *testing.T) {
	ports, err := freePorts(20)
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
