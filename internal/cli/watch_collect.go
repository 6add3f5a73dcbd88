package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/monitor"
)

// frozenAge is how often it is looked whether a reference was frozen, by whichever
// process.
const frozenAge = 3 * time.Second

// collect takes part in collecting a reference until one is frozen. False: ctx ended
// before. Where one is frozen that cannot be read, nobody can collect another: the
// log and the status say so until somebody has mended it.
func (d *driftWatch) collect(ctx, hard context.Context) bool {
	said := ""
	for ctx.Err() == nil {
		ref, err := d.look(ctx)
		switch {
		case ref != nil:
			d.wiring.log.Info("drift is compared with what was collected first", "reference", ref.Digest(), "rows", ref.Rows)
			for _, p := range d.model.compareReference(ref, "the reference that was collected") {
				d.wiring.log.Warn(p.Message)
			}
			d.monitor.Store(d.with(ref))
			return true
		case err != nil:
			d.monitor.Load().Waits(err.Error())
			if said != err.Error() {
				said = err.Error()
				d.wiring.log.Warn("drift is not watched; what is scored is counted, and judged once the reference can be read", "reason", said)
			}
			select {
			case <-time.After(frozenAge):
			case <-ctx.Done():
			}
		default:
			d.takePart(ctx, hard)
		}
	}
	return false
}

// takePart runs the monitor until ctx ends or there is a reference.
func (d *driftWatch) takePart(ctx, hard context.Context) {
	running, stop := context.WithCancel(ctx)
	var monitored sync.WaitGroup
	defer monitored.Wait()
	defer stop()
	frozen := make(chan struct{})
	monitored.Go(func() {
		if err := d.monitor.Load().Run(running, hard); errors.Is(err, monitor.ErrFrozen) {
			d.wiring.log.Info("this process has frozen the reference")
			close(frozen)
		}
	})
	looks := time.NewTicker(frozenAge)
	defer looks.Stop()
	for {
		select {
		case <-looks.C:
		case <-frozen:
			frozen = nil
		case <-ctx.Done():
			return
		}
		if ref, err := d.look(ctx); ref != nil || err != nil {
			return
		}
	}
}

// look gives the frozen reference; nil as long as there is none, or the broker does
// not answer, of which the monitor says what is wrong. An error says that it is
// there and cannot be read.
func (d *driftWatch) look(ctx context.Context) (*drift.Reference, error) {
	ctx, cancel := context.WithTimeout(ctx, d.wiring.file.Pipeline.TransactionTimeout)
	defer cancel()
	encoded, err := d.streams.frozen(ctx)
	if err != nil && !errors.Is(err, broker.ErrReferencePart) || err == nil && encoded == nil {
		return nil, nil
	}
	var ref *drift.Reference
	if err == nil {
		ref, err = drift.ParseReference(encoded)
	}
	if err != nil {
		return nil, fmt.Errorf("the reference that was collected cannot be read, restore its records or name another model version or a file: %w", err)
	}
	return ref, nil
}
