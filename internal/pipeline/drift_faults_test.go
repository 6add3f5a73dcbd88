package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/pipeline"
	"github.com/penstock/penstock/internal/telemetry"
)

// faulty is a broker on which each third commit fails.
type faulty struct {
	pipeline.Broker
	commits atomic.Int64
	// leak, if there is one, publishes what was counted outside the epoch.
	leak func(value []byte) error
}

func (b *faulty) Open(ctx context.Context, n int) (pipeline.Session, error) {
	s, err := b.Broker.Open(ctx, n)
	if err != nil {
		return nil, err
	}
	return &faultySession{s, b}, nil
}

type faultySession struct {
	pipeline.Session
	b *faulty
}

var errInjected = errors.New("an injected fault")

func (s *faultySession) Commit(ctx context.Context, until broker.Offsets) (bool, error) {
	if s.b.commits.Add(1)%3 == 2 {
		return false, errors.Join(errInjected, s.Abort(ctx))
	}
	return s.Session.Commit(ctx, until)
}

func (s *faultySession) Publish(ctx context.Context, r *penstock.Record) error {
	if s.b.leak != nil && r.Topic == "p.panes" {
		return s.b.leak(r.Value)
	}
	return s.Session.Publish(ctx, r)
}

// withFaults runs a pipeline whose commits fail now and then over 600 events, and
// gives what it came to.
func withFaults(t *testing.T, s stream, leak func(value []byte) error) {
	t.Helper()
	s.Create(t, 2, 1)
	b := &faulty{leak: leak}
	r := pipelineOf(t, s, true, &doubler{}, counts(t, s), func(made *setup) {
		made.wrap = func(broker pipeline.Broker) pipeline.Broker {
			b.Broker = broker
			return b
		}
		made.config.BatchRows, made.config.CommitInterval = 16, time.Millisecond
	})
	events, _ := laterOf(0, 599, 2)
	for n := 50; n <= 600; n += 50 {
		s.Publish(t, events[n-50:n]...)
		r.totals(func(got telemetry.Totals) bool { return got.Predicted+got.DeadLettered+got.Skipped == int64(n) })
	}
	r.stop()
}

// TestAbortedEpochsAreNotCounted: an epoch that is aborted takes with it what it
// counted.
func TestAbortedEpochsAreNotCounted(t *testing.T) {
	eachBroker(t, func(t *testing.T, s stream) {
		withFaults(t, s, nil)
		checkSum(t, s, wanted(t, upTo(0, 599)...))
	})
}

// TestCountingOutsideTheCommitShows: the mutant that publishes deltas by
// themselves counts what was aborted too, and the test above would see it.
func TestCountingOutsideTheCommitShows(t *testing.T) {
	s := newKfake(t)
	var leaked [][]byte
	withFaults(t, s, func(value []byte) error {
		leaked = append(leaked, bytes.Clone(value)) // it is the epoch's memory
		return nil
	})
	y, _, err := sum(deltasOf(t, leaked...))
	if err == nil || y.text() == wanted(t, upTo(0, 599)...).text() {
		t.Errorf("the mutant's deltas join up and come to what they should:\n%s", y.text())
	}
}
