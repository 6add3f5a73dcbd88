package broker

import (
	"slices"
	"testing"

	"github.com/penstock/penstock/internal/config"
)

func TestSubjects(t *testing.T) {
	own := NewSubjects(&config.Pipeline{Name: "card-fraud", Source: config.Source{Group: "card-fraud"}})
	other := NewSubjects(&config.Pipeline{
		Name: "card-fraud", Source: config.Source{Group: "second.try"}, Sink: config.Sink{Subject: "scored.{{wildcard(1)}}.eu"},
	})
	for _, tt := range []struct{ got, want string }{
		{own.Predictions(), "card-fraud.predictions"},
		{own.Dead(), "card-fraud.dead"},
		{own.Position("tx.*.>"), "card-fraud.position.tx%2E%2A%2E%3E"},
		{own.Lease("tx.0"), "card-fraud.lease.tx%2E0"},
		{own.Member("a 1%"), "card-fraud.member.a%201%25"},
		{own.Of("lease"), "card-fraud.lease.*"},
		{other.Predictions(), "scored.{{wildcard(1)}}.eu"},
		{other.Position("tx.0"), "card-fraud.position.second%2Etry.tx%2E0"},
		{other.Of("lease"), "card-fraud.lease.second%2Etry.*"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
	if got := own.All(); !slices.Equal(got, []string{"card-fraud.>"}) {
		t.Errorf("the stream takes %q", got)
	}
	if got := other.All(); !slices.Equal(got, []string{"card-fraud.>", "scored.*.eu"}) {
		t.Errorf("the stream takes %q", got)
	}
}
