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
