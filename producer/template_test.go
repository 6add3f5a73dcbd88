package producer

import (
	"strconv"
	"testing"

	"github.com/penstock/penstock"
)

func TestTemplate(t *testing.T) {
	filters := []string{"tx.*.eu.*.>", "tx.us", ">"}
	for _, tt := range []struct {
		template string
		filter   int32
		subject  string
		want     string
	}{
		{"p.predictions", 0, "tx.7.eu.a.b", "p.predictions"},
		{"out.{{wildcard(1)}}", 0, "tx.7.eu.a.b", "out.7"},
		{"out.{{wildcard(2)}}.x-{{ wildcard(1) }}", 0, "tx.7.eu.a.b", "out.a.x-7"},
		{"out.{{wildcard(1)}}", 1, "tx.us", "out."}, // lint refuses it
	} {
		m := NewTemplate(tt.template, filters)
		for range 2 { // once made, once remembered
			r := penstock.Record{Topic: tt.template, Event: penstock.EventID{Subject: tt.subject, Partition: tt.filter}}
			if got := m.subject(&r); got != tt.want {
				t.Errorf("%s of %s gives %s, want %s", tt.template, tt.subject, got, tt.want)
			}
		}
		if got := m.subject(&penstock.Record{Topic: "p.dead", Event: penstock.EventID{Subject: tt.subject}}); got != "p.dead" {
			t.Errorf("a dead letter goes to %s", got)
		}
	}
}

// TestTemplateForgets: as many subjects as there may be are not all remembered.
func TestTemplateForgets(t *testing.T) {
	m := NewTemplate("out.{{wildcard(1)}}", []string{"tx.*"})
	for i := range 3 * mostKnown {
		r := penstock.Record{Topic: "out.{{wildcard(1)}}", Event: penstock.EventID{Subject: "tx." + strconv.Itoa(i)}}
		if got := m.subject(&r); got != "out."+strconv.Itoa(i) {
			t.Fatalf("subject %d gives %s", i, got)
		}
	}
	if len(m.known) > mostKnown {
		t.Errorf("%d subjects are remembered", len(m.known))
	}
}
