package cli

import (
	"context"
	"errors"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/monitor"
)

// frozenAge is how often it is looked whether a reference was frozen, by whichever
// process.
const frozenAge = 3 * time.Second

// collect takes part in collecting a reference until one is frozen. False: ctx ended
// before.
func (d *driftWatch) collect(ctx, hard context.Context) bool {
	for ctx.Err() == nil {
		looked, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- d.monitor.Load().Run(looked, hard) }()
		ref := d.await(looked, ended)
		stop()
		if err := <-ended; errors.Is(err, monitor.ErrFrozen) {
			d.wiring.log.Info("this process has frozen the reference")
		}
		if ref != nil {
			d.wiring.log.Info("drift is compared with what was collected first", "reference", ref.Digest(), "rows", ref.Rows)
			d.monitor.Store(d.with(ref))
			return true
		}
	}
	return false
}

// await looks for a frozen reference until there is one or ctx ends; at once when the
// monitor says that it froze one.
func (d *driftWatch) await(ctx context.Context, ended chan error) *drift.Reference {
	looks := time.NewTicker(frozenAge)
	defer looks.Stop()
	for {
		if ref := d.look(ctx); ref != nil {
			return ref
		}
		select {
		case <-looks.C:
		case err := <-ended:
			ended <- err // for who waits for the end
			if !errors.Is(err, monitor.ErrFrozen) {
				return nil
			}
			select {
			case <-looks.C:
			case <-ctx.Done():
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// look gives the frozen reference; nil as long as there is none, or the broker is
// away.
func (d *driftWatch) look(ctx context.Context) *drift.Reference {
	ctx, cancel := context.WithTimeout(ctx, d.wiring.file.Pipeline.TransactionTimeout)
	defer cancel()
	encoded, err := d.streams.frozen(ctx)
	if err != nil || encoded == nil {
		return nil // the monitor says what is wrong with the broker
	}
	ref, err := drift.ParseReference(encoded)
	if err != nil {
		d.wiring.log.Warn("the reference that was collected cannot be read", "error", err)
		return nil
	}
	return ref
}
