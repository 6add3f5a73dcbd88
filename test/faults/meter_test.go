//go:build kafka

package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// meter is a read_committed consumer that notes when outputs come.
type meter struct {
	mu       sync.Mutex
	arrivals [sourcePartitions][]time.Time // by the source partition of their events
}

func (st *stage) meter() *meter {
	m := &meter{}
	ctx, cancel := context.WithCancel(context.Background())
	client := st.client(kgo.ConsumeTopics(st.sink(), st.dead()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	var reading sync.WaitGroup
	reading.Go(func() {
		for ctx.Err() == nil {
			fetches := client.PollFetches(ctx) // errors are the broker's death, which tests intend
			now := time.Now()
			m.mu.Lock()
			fetches.EachRecord(func(r *kgo.Record) {
				if at := origin(r); at.partition >= 0 {
					m.arrivals[at.partition] = append(m.arrivals[at.partition], now)
				}
			})
			m.mu.Unlock()
		}
	})
	st.Cleanup(func() {
		cancel()
		reading.Wait()
		client.Close()
	})
	return m
}

// gap is the longest silence of any partition after from, until now.
func (m *meter) gap(from time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	longest, until := time.Duration(0), time.Now()
	for _, arrivals := range m.arrivals {
		first, _ := slices.BinarySearchFunc(arrivals, from, time.Time.Compare)
		last := from
		for _, at := range append(slices.Clone(arrivals[first:]), until) {
			longest = max(longest, at.Sub(last))
			last = at
		}
	}
	return longest
}

// flowing waits until every partition's outputs come again after a time.
func (st *stage) flowing(m *meter, after time.Time, limit time.Duration) {
	st.Helper()
	st.eventually(limit, "outputs of all partitions come", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, arrivals := range m.arrivals {
			if len(arrivals) == 0 || arrivals[len(arrivals)-1].Before(after) {
				return false
			}
		}
		return true
	})
}

// gaps are those of many faults of a kind.
type gaps []time.Duration

func (g gaps) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(g))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (g gaps) String() string {
	return fmt.Sprintf("gaps of %d: median %v, p90 %v, p99 %v, longest %v", len(g),
		g.quantile(0.5).Round(time.Millisecond), g.quantile(0.9).Round(time.Millisecond),
		g.quantile(0.99).Round(time.Millisecond), slices.Max(g).Round(time.Millisecond))
}
