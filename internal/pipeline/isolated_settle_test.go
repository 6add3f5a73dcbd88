package pipeline

import (
	"context"
	"errors"
	"testing"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
)

// breaking scores so many events and then says that the runtime is broken.
type breaking struct{ after int }

func (b breaking) Score(_ context.Context, events []penstock.Event, _ int64, out func(int, []byte, *penstock.Rejection)) error {
	for i := range events {
		if i == b.after {
			return inference.ErrBroken
		}
		out(i, []byte("{}"), nil)
	}
	return nil
}

func (breaking) Close() error { return nil }

// published counts what a worker publishes.
type published struct {
	Session
	records int
}

func (p *published) Publish(context.Context, *penstock.Record) error {
	p.records++
	return nil
}

// TestIsolatedRuntimeBreaks: what precedes a broken runtime's run is committed
// by the positions of settled events, so that no event may be settled which has
// no output.
func TestIsolatedRuntimeBreaks(t *testing.T) {
	for after, want := range map[int]int64{0: 0, 2: 3, 3: 5} {
		p := &Pipeline{c: Config{Limits: broker.NewLimits(), SinkTopic: "out"}, hard: t.Context(), share: shareMeter{limit: 1}}
		session := &published{}
		w := &worker{p: p, session: session, child: breaking{after}}
		for offset := range int64(5) { // 1 and 4 are tombstones
			e := penstock.Event{ID: penstock.EventID{Source: "in", Offset: offset}, Time: -1, Value: []byte("{}")}
			if offset == 1 || offset == 4 {
				e.Value = nil
			}
			w.events = append(w.events, e)
		}
		err := w.scoreIsolated()
		if broken := errors.Is(err, inference.ErrBroken); broken != (after < 3) {
			t.Errorf("broken after %d: %v", after, err)
		}
		if got := w.epoch.done["in"][0]; got != want || session.records != after {
			t.Errorf("broken after %d: %d published, settled up to %d, want %d", after, session.records, got, want)
		}
	}
}
