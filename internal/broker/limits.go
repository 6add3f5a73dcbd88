package broker

import (
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
)

// What the client and the broker take by default, in bytes.
const (
	defaultBatch = 1_000_012
	leastBatch   = 1 << 10
)

// Limits are the largest batches that the topics take. All workers share them.
type Limits struct {
	mu    sync.RWMutex     // guards what follows
	told  map[string]int32 // by the cluster
	bytes map[string]int32 // what counts
	// headers is how many bytes the headers of a record may have; 0: no limit of
	// their own.
	headers int
}

// SetHeaders notes how many bytes the headers of a record may have.
func (l *Limits) SetHeaders(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.headers = bytes
}

// NewLimits starts with the defaults of Kafka.
func NewLimits() *Limits { return &Limits{told: map[string]int32{}, bytes: map[string]int32{}} }

// Set notes a topic's max.message.bytes. Told the same again it keeps what
// Halve has made of it: somebody on the way takes less.
func (l *Limits) Set(topic string, bytes int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told[topic] != bytes {
		l.told[topic], l.bytes[topic] = bytes, min(bytes, maxBuffered)
	}
}

// Halve makes a topic's limit smaller, after the broker refused what was within
// it, down to what is left of any record.
func (l *Limits) Halve(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, ok := l.bytes[topic]
	if !ok {
		limit = defaultBatch
	}
	l.bytes[topic] = max(limit/2, min(limit, leastBatch))
}

// Option has a client make no larger batches.
func (l *Limits) Option() kgo.Opt { return kgo.ProducerBatchMaxBytesFn(l.batch) }

func (l *Limits) batch(topic string) int32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if limit, ok := l.bytes[topic]; ok {
		return limit
	}
	return defaultBatch
}

// Most bytes that a record's numbers take: of the batch that it is alone in, of
// the record, and of one header.
const (
	batchOverhead  = 61
	recordOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 5
	headerOverhead = 5 + 5
)

// Fits tells whether a topic takes a record, uncompressed and alone in a batch.
func (l *Limits) Fits(r *penstock.Record) bool {
	size, headers := sizes(r)
	limit, most := l.of(r.Topic)
	return size <= limit && headers <= most
}

// Excess says what of a record that does not fit is too large.
func (l *Limits) Excess(r *penstock.Record) string {
	size, headers := sizes(r)
	limit, most := l.of(r.Topic)
	if headers > most {
		return fmt.Sprintf("its headers have %d bytes, and the broker takes %d", headers, most)
	}
	return fmt.Sprintf("with key and headers it has %d bytes, and %s takes %d", size, r.Topic, limit)
}

// of is how many bytes a record of a topic may have, and how many its headers.
func (l *Limits) of(topic string) (all, headers int) {
	limit := int(l.batch(topic))
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.headers == 0 {
		return limit, limit
	}
	return limit, l.headers
}

// sizes are a record's bytes in a batch of its own, and those of its headers.
func sizes(r *penstock.Record) (all, headers int) {
	for i := range r.Headers {
		headers += headerOverhead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return batchOverhead + recordOverhead + len(r.Key) + len(r.Value) + headers, headers
}
