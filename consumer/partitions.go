package consumer

import (
	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/telemetry"
)

// partition is one that this worker has.
type partition struct {
	gauge    *telemetry.Partition
	fresh    bool  // nothing of it was scored since it was assigned
	placed   bool  // the client has its position
	position int64 // of the next event to poll
	// committed is where it stood at the last commit.
	committed int64
	end       int64 // behind the last record, as far as known
}

func (k *Kafka) assigned(partitions map[string][]int32, held func(topic string, partition int32) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.joined.Store(true) // once those that are added count as unplaced
	if k.closed {
		return
	}
	for topic, mine := range k.partitions {
		for n := range mine {
			// Also one that is not placed yet: whether it is lost the client does
			// not always say, and place adds it again if it is not.
			if !held(topic, n) {
				k.remove(topic, n)
			}
		}
	}
	for topic, numbers := range partitions {
		for _, n := range numbers {
			k.add(topic, n)
		}
	}
}

// add notes a partition that has been assigned. The caller has the lock.
func (k *Kafka) add(topic string, n int32) *partition {
	k.remove(topic, n)
	if k.partitions[topic] == nil {
		k.partitions[topic] = map[int32]*partition{}
	}
	p := &partition{gauge: k.o.Telemetry.Partition(topic, n), fresh: true}
	p.gauge.SetAssigned(true)
	k.partitions[topic][n] = p
	k.fresh.Add(1)
	k.unplaced.Add(1)
	return p
}

// remove forgets a partition. The caller has the lock.
func (k *Kafka) remove(topic string, n int32) {
	p := k.partitions[topic][n]
	if p == nil {
		return
	}
	if p.fresh {
		k.fresh.Add(-1)
	}
	if !p.placed {
		k.unplaced.Add(-1)
	}
	p.gauge.SetAssigned(false)
	delete(k.partitions[topic], n)
}

// place notes where partitions begin, and how far behind that is.
func (k *Kafka) place(starts broker.Offsets, topics map[string]broker.Extent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return
	}
	for topic, partitions := range starts {
		for n, at := range partitions {
			p := k.partitions[topic][n]
			if p == nil {
				// The client was about to ask for its position when a rebalance
				// came, asks again, and does not say again that it is assigned.
				p = k.add(topic, n)
			}
			if !p.placed {
				p.placed = true
				k.unplaced.Add(-1)
			}
			p.position, p.committed, p.end = at, at, topics[topic].End[n]
			p.gauge.SetPosition(at)
			p.gauge.SetLag(p.end - at)
		}
	}
}

// has tells whether a partition is this worker's.
func (k *Kafka) has(id *penstock.EventID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.partitions[id.Source][id.Partition] != nil
}

func (k *Kafka) revoked(partitions map[string][]int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for topic, numbers := range partitions {
		for _, n := range numbers {
			k.remove(topic, n)
		}
	}
}

// Close lets go of all partitions before the session is closed, which may take
// long, and their next owner may be in this process.
func (k *Kafka) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for topic, mine := range k.partitions {
		for n := range mine {
			k.remove(topic, n)
		}
	}
}
