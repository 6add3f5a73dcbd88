package consumer

import (
	"context"

	"github.com/penstock/penstock/internal/broker"
)

// Place is a stretch of a partition that this worker has: from where it stood at
// the last commit to where the next one moves it.
type Place struct {
	Source    string // as drift names it
	Partition int32
	From, To  int64
}

// Stood gives the place that begins where a partition stood at the last commit; ok
// is false when it is another worker's by now.
func (k *Kafka) Stood(source string, partition int32) (place Place, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.partitions[source][partition]
	if p == nil || !p.placed {
		return Place{}, false
	}
	return Place{Source: source, Partition: partition, From: p.committed, To: p.committed}, true
}

// Ended appends the places of partitions that nothing was polled of since the last
// commit and that are read to their ends: it asks the broker where these are, for
// what waits there need not have been fetched. Events of a transaction that is
// still open wait too. A broker that does not say is not asked again before the
// next time: nobody depends on it.
func (k *Kafka) Ended(ctx context.Context, places []Place) ([]Place, error) {
	quiet := k.quiet(nil)
	if len(quiet) == 0 {
		return places, nil
	}
	ends, err := broker.Ends(ctx, k.session.Client(), k.o.Session.Topics, false)
	if err != nil {
		return places, ctx.Err()
	}
	for _, p := range quiet {
		if end, ok := ends[p.Source][p.Partition]; ok && end == p.To {
			places = append(places, p)
		}
	}
	return places, nil
}

// quiet appends the places of partitions that nothing was polled of.
func (k *Kafka) quiet(places []Place) []Place {
	k.mu.Lock()
	defer k.mu.Unlock()
	for topic, partitions := range k.partitions {
		for n, p := range partitions {
			if p.placed && p.position == p.committed {
				places = append(places, Place{Source: topic, Partition: n, From: p.committed, To: p.committed})
			}
		}
	}
	return places
}
