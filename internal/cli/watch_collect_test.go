package cli

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/monitor"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/telemetry"
)

// away is a broker that does not answer.
type away struct{}

func (away) Open(context.Context, monitor.Identity) (monitor.Session, error) {
	return nil, errors.New("nobody answers")
}

// TestUnreadableReference: a frozen reference that cannot be read is said to be, once
// in the log and as long as it is so in the status, and is used once it can be read;
// that the broker does not answer is something else. What it does not have is named.
func TestUnreadableReference(t *testing.T) {
	fields := []drift.Field{{Name: "amount"}}
	b := drift.NewReferenceBuilder(fields, time.Minute)
	b.At(0, true).Row()
	b.At(0, true).Number(0, 1)
	ref, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	good, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		file := &config.File{}
		file.Pipeline.Drift = &config.Drift{}
		file.Pipeline.TransactionTimeout = time.Second
		type answer struct {
			encoded []byte
			err     error
		}
		var found atomic.Pointer[answer]
		found.Store(&answer{err: errors.New("nobody answers")})
		d := &driftWatch{
			wiring: &brokerWiring{file: file, counts: telemetry.NewPipeline(telemetry.PipelineOptions{}), log: slog.New(slog.NewTextHandler(&log, nil))},
			model:  &loadedModel{observed: &observe.Plan{Fields: append(fields, drift.Field{Name: "country", Kind: drift.Categorical})}},
			streams: &driftStreams{
				monitor: away{}, frozen: func(context.Context) ([]byte, error) { return found.Load().encoded, found.Load().err },
			},
		}
		d.monitor.Store(d.with(nil))
		ended := make(chan bool)
		go func() { ended <- d.collect(t.Context(), t.Context()) }()
		said := func(want string) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if s := d.monitor.Load().Status(); s.State != "waiting" || !strings.Contains(s.Reason, want) {
				t.Errorf("the status is %q, for %q, which does not say %q", s.State, s.Reason, want)
			}
		}
		said("nobody answers")
		found.Store(&answer{err: broker.ErrReferencePart})
		said("cannot be read")
		found.Store(&answer{encoded: []byte("garbage")})
		said("cannot be read")
		if n := strings.Count(log.String(), "cannot be read"); n != 2 {
			t.Errorf("it is logged %d times:\n%s", n, log.String())
		}
		found.Store(&answer{encoded: good})
		if !<-ended || d.monitor.Load().Status().Reference != ref.Digest() {
			t.Error("the reference is not used once it can be read")
		}
		if !strings.Contains(log.String(), "go without statistics: country") {
			t.Errorf("a field that was not collected is not named:\n%s", log.String())
		}
	})
}
