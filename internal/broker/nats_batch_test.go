package broker

import (
	"context"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
)

// TestBatchesBegin: the server in this process hears of each batch, and whether it
// was answered; without room nothing is sent.
func TestBatchesBegin(t *testing.T) {
	js := jetStreamOf(t, &config.NATS{URL: startNATS(t).ClientURL()})
	addStream(t, js, jetstream.StreamConfig{Name: "OWN", Subjects: []string{"own"}, AllowAtomicPublish: true, AllowRollup: true, AllowMsgTTL: true})
	var answered []bool
	room := true
	b := Batches{Begin: func() (func(bool), bool) {
		return func(was bool) { answered = append(answered, was) }, room
	}}
	publish := func(ctx context.Context, expected uint64) error {
		_, err := b.Publish(ctx, js.Conn(), nil, []Guard{{Subject: "own", Expected: expected}})
		return err
	}
	if err := publish(soonCtx(t), 0); err != nil {
		t.Fatal(err)
	}
	if err := publish(soonCtx(t), 0); !Overtaken(err) {
		t.Error(err)
	}
	given, up := context.WithCancel(t.Context())
	up()
	if err := publish(given, 1); err == nil {
		t.Error("it was not given up")
	}
	room = false
	if d := Diagnose(publish(soonCtx(t), 1)); d.Kind != Transient {
		t.Errorf("without room: %+v", d)
	}
	if want := []bool{true, true, false}; !slices.Equal(answered, want) {
		t.Errorf("answered: %v, want %v", answered, want)
	}
}
