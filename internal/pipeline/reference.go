package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/observe"
)

// reference is what all workers count by: the config's schema, or, once it was
// collected from the stream and frozen, that of the frozen reference. Nobody waits
// for that: what was counted before, also while the broker does not answer or the
// reference cannot be read, the monitor compares with it all the same.
type reference struct {
	counting observe.Config
	freeze   func(encoded []byte) (*drift.Schema, error) // nil: nothing is going to be frozen
	broker   Broker

	schema atomic.Pointer[drift.Schema]
	frozen atomic.Bool
	turn   sync.Mutex // who has it may ask
	asked  atomic.Int64
}

// referenceAge is how often it is looked whether a reference was frozen.
const referenceAge = 3 * time.Second

func newReference(d *Drift, b Broker) *reference {
	r := &reference{counting: d.Config, freeze: d.Freeze, broker: b}
	r.schema.Store(d.Schema())
	r.counting.Schema = r.schema.Load
	return r
}

// look asks once the last answer is old. One worker does, and no trouble of its
// keeps it from its work.
func (r *reference) look(ctx context.Context, now time.Time) {
	if r.freeze == nil || r.frozen.Load() || now.UnixNano()-r.asked.Load() < int64(referenceAge) || !r.turn.TryLock() {
		return
	}
	defer r.turn.Unlock()
	ctx, cancel := context.WithTimeout(ctx, referenceAge)
	defer cancel()
	r.ask(ctx)
	r.asked.Store(time.Now().UnixNano())
}

// ask counts by the frozen reference from now on, if there is one. That something is
// wrong with it the monitor says.
func (r *reference) ask(ctx context.Context) {
	encoded, err := r.broker.Reference(ctx, r.counting.Model)
	if err != nil || encoded == nil {
		return
	}
	if schema, err := r.freeze(encoded); err == nil {
		r.schema.Store(schema)
		r.frozen.Store(true)
	}
}
