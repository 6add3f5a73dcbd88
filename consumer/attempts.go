package consumer

import (
	"context"

	"github.com/penstock/penstock"
)

// isolateFrom is from which attempt on at the same position a partition is
// scored where a crash does no harm: the first one may have been cut by
// anything.
const isolateFrom = 2

// Attempt notes, before their first run since the assignment, that events of
// partitions are about to be scored. It tells whether an earlier attempt at the
// very same event ended with the process, so that these events should be scored
// in isolation. For partitions that were noted before it costs nothing.
func (k *Kafka) Attempt(ctx context.Context, events []penstock.Event) (isolate bool, err error) {
	if k.fresh.Load() == 0 {
		return k.isolated, nil
	}
	first := k.firstEvents(events)
	if len(first) == 0 {
		return k.isolated, nil
	}
	if err := k.o.State.take(ctx); err != nil {
		return false, err
	}
	defer k.o.State.give()
	entries := make([]entry, 0, len(first))
	for _, id := range first {
		key := k.o.State.attemptKey(id.Source, id.Partition)
		now := attempt{Position: id.Offset, N: 1}
		before, err := get[attempt](k.o.State, key)
		if err != nil {
			return false, err
		}
		if before != nil && before.Position == id.Offset {
			now.N = before.N + 1
			if k.o.State.survived[key] == *before {
				now.N = before.N // it was ours, and ended in some other way
			}
		}
		if now.N >= isolateFrom {
			k.isolated = true
			k.o.Log.Warn("the process ended while this event's batch was scored; scoring it in a child process",
				"event", id.String(), "attempt", now.N)
		}
		entries = append(entries, entry{key, now})
	}
	if err := k.o.State.put(ctx, entries...); err != nil {
		return false, err
	}
	for _, e := range entries {
		k.o.State.survived[e.key] = e.value.(attempt)
	}
	k.attempted = append(k.attempted, first...)
	return k.isolated, nil
}

// firstEvents are the first events of partitions that have not been scored
// since they were assigned.
func (k *Kafka) firstEvents(events []penstock.Event) []penstock.EventID {
	k.mu.Lock()
	defer k.mu.Unlock()
	var first []penstock.EventID
	for i := range events {
		id := &events[i].ID
		if p := k.partitions[id.Source][id.Partition]; p != nil && p.fresh {
			p.fresh = false
			k.fresh.Add(-1)
			first = append(first, *id)
		}
	}
	return first
}

// Aborted is to be called after an epoch that the group aborted: whoever gets
// its partitions must not find the attempts and think that this process died.
func (k *Kafka) Aborted(ctx context.Context) error {
	k.mu.Lock()
	for _, partitions := range k.partitions {
		for _, p := range partitions {
			p.position = p.committed // what was polled comes again
		}
	}
	k.mu.Unlock()
	return k.succeeded(ctx)
}

// succeeded takes back the attempts that have proven harmless: the process has
// outlived them.
func (k *Kafka) succeeded(ctx context.Context) error {
	if len(k.attempted) == 0 {
		return nil
	}
	entries := make([]entry, len(k.attempted))
	for i, id := range k.attempted {
		entries[i].key = k.o.State.attemptKey(id.Source, id.Partition)
	}
	if err := k.o.State.take(ctx); err != nil {
		return err
	}
	defer k.o.State.give()
	k.attempted, k.isolated = k.attempted[:0], false
	return k.o.State.put(ctx, entries...)
}
