package rollout_test

import (
	"testing"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/rollout"
)

func TestTheChampionAnswersForEveryKey(t *testing.T) {
	model := penstock.ModelIdentity{Name: "fraud", Version: "7", Digest: "sha256:9f2c"}
	plan := rollout.New(model)
	want := rollout.Variant{Name: "champion", Model: model}
	if plan.Version() != 1 || plan.Champion() != want {
		t.Errorf("the first plan is %d with %+v, want 1 with %+v", plan.Version(), plan.Champion(), want)
	}
	for _, key := range [][]byte{nil, {}, []byte("customer-1"), {0xff, 0x00}} {
		if got := plan.Route(key); got != want {
			t.Errorf("Route(%q) = %+v, want %+v", key, got, want)
		}
	}
}

func TestRoutingAllocatesNothing(t *testing.T) {
	plan, key := rollout.New(penstock.ModelIdentity{Name: "fraud"}), []byte("customer-1")
	var got rollout.Variant
	if n := testing.AllocsPerRun(100, func() { got = plan.Route(key) }); n != 0 || got.Name != "champion" {
		t.Errorf("routing an event allocates %v times", n)
	}
}
