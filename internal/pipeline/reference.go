package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/observe"
)

// reference is what all workers count by: the config's schema, or, once it was
// collected from the stream and frozen, that of the frozen reference. Nobody
// counts before it is known whether there is one: what is counted by another
// schema is missing where it belongs.
type reference struct {
	counting observe.Config
	freeze   func(encoded []byte) (*drift.Schema, error) // nil: nothing is going to be frozen
	broker   Broker

	schema atomic.Pointer[drift.Schema]
	frozen atomic.Bool
	turn   chan struct{} // holds a token: who has it may ask
	asked  atomic.Int64
}

// referenceAge is how often it is looked whether a reference was frozen.
const referenceAge = 3 * time.Second

func newReference(d *Drift, b Broker) *reference {
	r := &reference{counting: d.Config, freeze: d.Freeze, broker: b, turn: make(chan struct{}, 1)}
	r.turn <- struct{}{}
	r.schema.Store(d.Schema())
	r.counting.Schema = r.schema.Load
	return r
}

// refresh asks whether a reference was frozen. It comes before a session is
// opened.
func (r *reference) refresh(ctx context.Context) error {
	if r == nil || r.freeze == nil || r.frozen.Load() {
		return nil
	}
	select {
	case <-r.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.turn <- struct{}{} }()
	return r.ask(ctx)
}

// look asks again once the last answer is old. One worker does, and no trouble of
// its keeps it from its work.
func (r *reference) look(ctx context.Context, now time.Time) {
	if r.freeze == nil || r.frozen.Load() || now.UnixNano()-r.asked.Load() < int64(referenceAge) {
		return
	}
	select {
	case <-r.turn:
	default:
		return
	}
	defer func() { r.turn <- struct{}{} }()
	ctx, cancel := context.WithTimeout(ctx, referenceAge)
	defer cancel()
	if err := r.ask(ctx); err != nil {
		r.asked.Store(now.UnixNano())
	}
}

// ask is for who has the turn.
func (r *reference) ask(ctx context.Context) error {
	if r.frozen.Load() {
		return nil
	}
	encoded, err := r.broker.Reference(ctx, r.counting.Model)
	if err != nil {
		return err
	}
	r.asked.Store(time.Now().UnixNano())
	if encoded == nil {
		return nil
	}
	schema, err := r.freeze(encoded)
	if err != nil {
		return fmt.Errorf("read the frozen reference: %w", err)
	}
	r.schema.Store(schema)
	r.frozen.Store(true)
	return nil
}
