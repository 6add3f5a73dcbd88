package config

import (
	"fmt"
	"testing"
)

// TestSchemaRefusesNoMoreThanLoad writes numbers and their like in every form
// for every kind of scalar.
func TestSchemaRefusesNoMoreThanLoad(t *testing.T) {
	s := compiledSchema(t)
	numbers := []string{"0", "1", "+1", "-1", "1.5", "1.0", "1.", ".5", "1e-1", "1e3", "1E3", "007", "1_000", "0x1f", "0o17", "0b11", "99999999999999999999", "true", "'1'", "'1.5'", "~"}
	for _, unit := range []string{"/month", "/s", "s", "ms", "d", "h", "mo", "KiB", "k", "B", " MB", "i"} {
		for _, number := range []string{"1", "+1", "-1", "1.5", "1.", ".5", "1e-1"} {
			numbers = append(numbers, number+unit)
		}
	}
	taken := 0
	for _, key := range []string{
		"workers: %s", "batch: {max_rows: %s}", "batch: {max_wait: %s}", "dead_letter: {max_share: %s}", "source: {fetch_max_bytes: %s}",
		"source: {topics: [%s]}", "create_topics: %s", "name: %s", "drift: {reference: r, false_alarms: %s}", "drift: {reference: r, windows: [%s]}",
		"drift: {reference: r, effect: %s}", "drift: {reference: {first: %s}}", "drift: {reference: %s}", "broker: {kafka: {bootstrap_servers: %s}}",
	} {
		for _, number := range numbers {
			text := "model: {path: m.onnx}\n" + fmt.Sprintf(key, number) + "\n"
			f := read("c.yaml", []byte(text), Options{Purpose: ForModel})
			if f.Failed() {
				continue
			}
			taken++
			if err := s.Validate(asJSON(t, []byte(text))); err != nil {
				t.Errorf("%s is taken by the loader, but: %v", text, err)
			}
		}
	}
	if taken < 300 {
		t.Errorf("only %d were good", taken)
	}
}
