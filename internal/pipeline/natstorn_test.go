package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// TestNATSTornBatch: what the server keeps of a batch in which it meets
// max_file_store is neither published nor counted again, whoever goes on, and
// whatever of the batch it was that found no room.
func TestNATSTornBatch(t *testing.T) {
	for again, room := range map[string]int{"a": 40_000, "b": 150_000} { // of the first epoch's 330 kB or so
		t.Run(fmt.Sprintf("%d left, process %s goes on", room, again), func(t *testing.T) {
			t.Parallel()
			s := newNATSWith(t, func(o *server.Options) { o.JetStreamMaxStore = 2 << 20 })
			s.Create(t, 2, 1)
			events, predictions := laterOf(0, 1999, 2)
			s.publishFast(t, events...)
			s.fill(t, room)
			soon := func(o *setup) {
				o.config.CommitInterval = time.Minute // an epoch takes all it can
				o.config.CommitTimeout = time.Second  // nobody is answered
			}
			r := pipelineOf(t, s, true, &doubler{}, counts(t, s), soon)
			s.torn(t)
			if again != "a" {
				r.kill()
				r = pipelineOf(t, s, true, &doubler{}, counts(t, s), soon, func(o *setup) { o.open.Instance = again })
			}
			if err := s.js.DeleteStream(t.Context(), "filler"); err != nil {
				t.Fatal(err)
			}
			onceEach(t, s.Read(t, sink, predictions), predictions)
			onceEach(t, s.Read(t, deadLetters, 2000-predictions), 2000-predictions)
			r.stop()
			checkSum(t, s, wanted(t, upTo(0, 1999)...))
		})
	}
}

// TestNATSLeftOfABatch: records behind the position that Since names are part of a
// batch that was not finished, also in a second process after the first has gone a
// part of the way, and what was counted whole is behind the position too.
func TestNATSLeftOfABatch(t *testing.T) {
	for name, withCounts := range map[string]bool{"records": false, "with what was counted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNATS(t).(*natsStream)
			s.Create(t, 1, 1)
			events, predictions := laterOf(0, 999, 1)
			s.publishFast(t, events[:600]...)
			r := pipelineOf(t, s, true, &doubler{}, counts(t, s))
			_, some := laterOf(0, 599, 1)
			s.Read(t, sink, some)
			r.stop()
			own, err := s.js.Stream(t.Context(), "OUT")
			if err != nil {
				t.Fatal(err)
			}
			if !withCounts {
				if err := own.Purge(t.Context(), jetstream.WithPurgeSubject(s.Panes())); err != nil {
					t.Fatal(err)
				}
			}
			s.unfinish(t, own)
			slow := &doubler{before: func([]float32) { time.Sleep(20 * time.Millisecond) }}
			r = pipelineOf(t, s, true, slow, counts(t, s), func(o *setup) { o.config.BatchRows, o.config.CommitInterval = 16, time.Millisecond })
			if !withCounts { // else nothing comes
				r.totals(func(got telemetry.Totals) bool { return got.Committed >= 3 })
			}
			r.kill()
			r = pipelineOf(t, s, true, &doubler{}, counts(t, s))
			s.publishFast(t, events[600:]...)
			onceEach(t, s.Read(t, sink, predictions), predictions)
			onceEach(t, s.Read(t, deadLetters, 1000-predictions), 1000-predictions)
			r.stop()
			checkSum(t, s, wanted(t, upTo(0, 999)...))
			held, err := broker.Last[broker.Position](t.Context(), own, s.subjects.Position(s.filter(0)))
			if err != nil || held.Value.Since != 0 {
				t.Errorf("at the end the position is %+v, %v", held, err)
			}
		})
	}
}

// unfinish puts the position back, as it were if none of the batches had been
// finished.
func (s *natsStream) unfinish(t *testing.T, own jetstream.Stream) {
	t.Helper()
	subject := s.subjects.Position(s.filter(0))
	held, err := broker.Last[broker.Position](t.Context(), own, subject)
	if err != nil {
		t.Fatal(err)
	}
	position := held.Value
	position.Next, position.Since = 1, 1
	value, err := json.Marshal(position)
	if err != nil {
		t.Fatal(err)
	}
	guard := broker.Guard{Subject: subject, Value: value, Expected: held.Sequence}
	if _, err := guard.Put(t.Context(), s.js); err != nil {
		t.Fatal(err)
	}
}

// TestNATSEarlierBatchComesLate: once a worker reads a filter, no batch is written
// any more that was sent before; it might not be finished, and nobody would look for it.
func TestNATSEarlierBatchComesLate(t *testing.T) {
	s := newNATS(t).(*natsStream)
	t.Parallel()
	s.Create(t, 1, 1)
	r := pipelineOf(t, s, true, &doubler{})
	r.ready()
	r.stop()
	own, err := s.js.Stream(t.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	subject := s.subjects.Position(s.filter(0))
	before, err := broker.Last[broker.Position](t.Context(), own, subject)
	if err != nil {
		t.Fatal(err)
	}
	pipelineOf(t, s, true, &doubler{}).ready()
	late := broker.Guard{Subject: subject, Value: []byte("{}"), Expected: before.Sequence}
	if _, err := late.Put(t.Context(), s.js); !broker.Overtaken(err) {
		t.Errorf("a batch from before is answered with %v", err)
	}
}

// fill leaves so many bytes to what is published on the server.
func (s *natsStream) fill(t *testing.T, room int) {
	t.Helper()
	if _, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "filler", Subjects: []string{"filler"}}); err != nil {
		t.Fatal(err)
	}
	for {
		info, err := s.js.AccountInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left := 2<<20 - int(info.Store) - room
		if left < 1<<10 {
			return
		}
		if _, err := s.js.Publish(t.Context(), "filler", make([]byte, min(left, 200_000)-100)); err != nil {
			t.Fatal(err)
		}
	}
}

// torn waits until the last message is part of a batch that does not end there.
func (s *natsStream) torn(t *testing.T) {
	t.Helper()
	eventually(t, "a torn batch", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		own, err := s.js.Stream(ctx, "OUT")
		if err != nil {
			return err
		}
		last, err := own.GetMsg(ctx, own.CachedInfo().State.LastSeq)
		if err != nil {
			return err
		}
		if last.Header.Get("Nats-Batch-Id") == "" || last.Header.Get("Nats-Batch-Commit") != "" {
			return fmt.Errorf("the last message is %s with %v", last.Subject, last.Header)
		}
		return nil
	})
}

// onceEach holds records against their events, of which each has one, in order.
func onceEach(t *testing.T, records []record, n int) {
	t.Helper()
	var ids []string
	for i := range records {
		id := records[i].header("penstock-source")
		if id == "" {
			id = records[i].prediction(t).ID
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if different := len(slices.Compact(slices.Clone(ids))); len(ids) != n || different != n {
		t.Errorf("%d records of %d events, want one of each of %d", len(ids), different, n)
	}
}
