//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"golang.org/x/sync/errgroup"

	"github.com/penstock/penstock/internal/broker"
)

// loop is a bare GroupTransactSession that copies events, one worker: the least
// that exactly once can cost. It commits whenever nothing waits.
type loop struct {
	topics
	group string
	pause time.Duration // of the next epoch's first produce after a commit
	ask   bool          // instead of a pause, the broker is asked by broker.Markers
	v1    bool          // transactions as before Kafka 4: produce v11 at most
	count int           // events to copy, from the first one on; 0: those that come, until a signal
	n     int           // which of the group's members it is

	markers  *broker.Markers
	client   *kgo.Client
	session  *kgo.GroupTransactSession
	last     time.Time // of the last commit
	firstAck []time.Duration
	gaps     []time.Duration // between a commit and the next first produce
	ends     []time.Duration
	begun    time.Time // the first epoch
}

// passed is what a loop tells when it ends: one line of JSON, times in ms.
type passed struct {
	Epochs   float64 `json:"epochs_per_s"`
	Stalls   float64 `json:"stalls"`    // share of epochs whose first produce took more than stalled
	FirstAck levels  `json:"first_ack"` // of an epoch's first produce
	Gap      levels  `json:"gap"`       // from a commit to the next first produce
	End      levels  `json:"end"`
}

// levels are quantiles in ms.
type levels struct {
	P1  float64 `json:"p1"`
	P25 float64 `json:"p25"`
	P50 float64 `json:"p50"`
	P75 float64 `json:"p75"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// stalled is a first produce that met CONCURRENT_TRANSACTIONS: the broker has
// tried again after 20 ms.
const stalled = 18 * time.Millisecond

func runPass(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("pass", flag.ContinueOnError)
	l := &loop{}
	l.flags(f)
	f.StringVar(&l.group, "group", "pass", "consumer group, and transactional id")
	f.DurationVar(&l.pause, "pause", 0, "between a commit and the next produce")
	f.BoolVar(&l.ask, "ask", false, "instead of a pause ask the broker whether it is done with the last transaction")
	f.BoolVar(&l.v1, "v1", false, "transactions as before Kafka 4")
	f.IntVar(&l.count, "count", 0, "events to copy, from the topic's first one on; 0: those that come, until a signal")
	workers := f.Int("workers", 1, "sessions of the group, each a loop of its own; what is told is the first one's")
	if err := f.Parse(args); err != nil {
		return err
	}
	if l.count > 0 && *workers > 1 {
		return errors.New("-count is one session's: leave -workers away")
	}
	peers, ctx := errgroup.WithContext(ctx)
	for n := 1; n < *workers; n++ {
		peer := *l
		peer.n = n
		peers.Go(func() error { return peer.run(ctx) })
	}
	peers.Go(func() error { return l.run(ctx) })
	if err := peers.Wait(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(l.passed())
}

// run copies until ctx ends, or all that was asked for is copied.
func (l *loop) run(ctx context.Context) error {
	bounded := l.count > 0
	if err := l.open(); err != nil {
		return err
	}
	defer l.session.Close()
	for ctx.Err() == nil && (!bounded || l.count > 0) {
		if err := l.epoch(ctx); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return nil
}

func (l *loop) open() error {
	start := kgo.NewOffset().AtEnd()
	if l.count > 0 {
		start = kgo.NewOffset().AtStart()
	}
	id := fmt.Sprintf("%s-%d", l.group, l.n)
	opts := []kgo.Opt{
		kgo.SeedBrokers(l.seeds()...), kgo.ConsumeTopics(l.in), kgo.ConsumerGroup(l.group), kgo.TransactionalID(id),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(start),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ConcurrentTransactionsBackoff(time.Millisecond), kgo.MetadataMinAge(250 * time.Millisecond),
	}
	if l.v1 {
		versions := kversion.Stable()
		versions.SetMaxKeyVersion(0, 11) // produce
		opts = append(opts, kgo.MaxVersions(versions))
	}
	session, err := kgo.NewGroupTransactSession(opts...)
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	l.session, l.client = session, session.Client()
	l.markers = broker.NewMarkers(l.client, id)
	return nil
}

const (
	mostRecords   = 4096                   // of a poll
	longestEpoch  = 100 * time.Millisecond // a commit is then due, whatever waits
	shutdownLimit = 5 * time.Second
)

// epoch copies what there is and commits it.
func (l *loop) epoch(ctx context.Context) error {
	fetches := l.client.PollRecords(ctx, mostRecords)
	if err := fetches.Err(); err != nil {
		return err
	}
	if fetches.NumRecords() == 0 {
		return nil
	}
	if err := l.wait(ctx); err != nil {
		return err
	}
	// Once begun an epoch is committed, also when ctx ends meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if err := l.session.Begin(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	begun := time.Now()
	if l.last.IsZero() {
		l.begun = begun
	} else {
		l.gaps = append(l.gaps, begun.Sub(l.last))
	}
	var acked atomic.Int64
	for {
		l.copy(ctx, fetches, begun, &acked)
		l.count -= fetches.NumRecords()
		if time.Since(begun) >= longestEpoch {
			break
		}
		//lint:ignore SA1012 without a context it returns what is buffered, at once
		fetches = l.client.PollRecords(nil, mostRecords)
		if fetches.NumRecords() == 0 {
			break
		}
	}
	ending := time.Now()
	committed, err := l.session.End(ctx, kgo.TryCommit)
	if err != nil {
		return fmt.Errorf("end: %w", err)
	}
	l.last = time.Now()
	if !committed {
		return nil // a peer has joined: what was copied comes again
	}
	l.ends = append(l.ends, l.last.Sub(ending))
	first := time.Duration(acked.Load())
	l.firstAck = append(l.firstAck, first)
	return nil
}

// wait returns when the next transaction may publish.
func (l *loop) wait(ctx context.Context) error {
	if l.ask {
		return l.markers.Wait(ctx, l.last)
	}
	time.Sleep(l.pause - time.Since(l.last))
	return nil
}

// copy produces what was polled. The first acknowledgement of the epoch is noted
// in acked, in ns since begun.
func (l *loop) copy(ctx context.Context, fetches kgo.Fetches, begun time.Time, acked *atomic.Int64) {
	fetches.EachRecord(func(r *kgo.Record) {
		l.client.Produce(ctx, &kgo.Record{Topic: l.out, Key: r.Key, Value: r.Value, Headers: r.Headers}, func(_ *kgo.Record, err error) {
			if err == nil { // End gives the error
				acked.CompareAndSwap(0, int64(time.Since(begun)))
			}
		})
	})
}

func (l *loop) passed() passed {
	stalls := 0
	for _, t := range l.firstAck {
		if t > stalled {
			stalls++
		}
	}
	return passed{
		Epochs: float64(len(l.ends)) / max(l.last.Sub(l.begun).Seconds(), 1e-3), Stalls: float64(stalls) / float64(max(1, len(l.firstAck))),
		FirstAck: levelsOf(l.firstAck), Gap: levelsOf(l.gaps), End: levelsOf(l.ends),
	}
}

func levelsOf(times []time.Duration) levels {
	q := quantiles(times, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 1)
	return levels{q[0], q[1], q[2], q[3], q[4], q[5], q[6]}
}
