//go:build kafka || nats

package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// meter is a reader of the outputs that notes when they come.
type meter struct {
	mu       sync.Mutex
	arrivals [sourcePartitions][]time.Time // by the source partition of their events
}

func (st *stage) meter() *meter {
	m := &meter{}
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		st.broker.arrivals(ctx, func(partition int32) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.arrivals[partition] = append(m.arrivals[partition], time.Now())
		})
	})
	st.Cleanup(func() {
		cancel()
		reading.Wait()
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
