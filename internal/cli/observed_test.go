package cli

import (
	"strings"
	"testing"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/rollout"
)

// TestCompareReference: fields that are counted as something else than the
// reference has are an error, for their counts could not be compared; one that it
// does not have is a warning.
func TestCompareReference(t *testing.T) {
	m := &loadedModel{observed: &observe.Plan{Fields: []drift.Field{
		{Name: "amount"}, {Name: "country", Kind: drift.Categorical}, {Name: "new"}, {Name: "another"},
	}}}
	ref := &drift.Reference{Fields: []drift.ReferenceField{
		{Field: drift.Field{Name: "amount"}}, {Field: drift.Field{Name: "country"}}, {Field: drift.Field{Name: "gone"}},
	}}
	problems := m.compareReference(ref, "the reference")
	if len(problems) != 2 {
		t.Fatalf("problems %+v", problems)
	}
	if p := problems[0]; p.Warning || !strings.Contains(p.Message, "country is categorical and was numeric") || strings.Join(p.Path, ".") != "drift.reference" {
		t.Errorf("the first is %+v", p)
	}
	if p := problems[1]; !p.Warning || !strings.HasSuffix(p.Message, ": another, new") {
		t.Errorf("the second is %+v", p)
	}
	m.observed.Fields = m.observed.Fields[:1]
	if problems := m.compareReference(ref, "the reference"); problems != nil {
		t.Errorf("problems of a reference that fits: %+v", problems)
	}
}

// TestDeltasJoinEarly where a topic that joins a transaction holds it up: in those of
// Kafka.
func TestDeltasJoinEarly(t *testing.T) {
	kafka, nats := config.Broker{Kafka: &config.Kafka{}}, config.Broker{NATS: &config.NATS{}}
	for name, c := range map[string]struct {
		broker   config.Broker
		delivery string
		want     bool
	}{
		"Kafka, exactly once":  {kafka, exactlyOnce, true},
		"Kafka, at least once": {kafka, "at_least_once", false},
		"NATS, exactly once":   {nats, exactlyOnce, false},
	} {
		m := &loadedModel{observed: &observe.Plan{}}
		cfg := &config.Pipeline{Name: "p", Delivery: c.delivery, Broker: c.broker, Drift: &config.Drift{}}
		if got := m.counting(cfg, rollout.Variant{}).JoinEarly; got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
