package broker

import (
	"sync"

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
	headers := 0
	for i := range r.Headers {
		headers += headerOverhead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	l.mu.RLock()
	most := l.headers
	l.mu.RUnlock()
	size := batchOverhead + recordOverhead + len(r.Key) + len(r.Value) + headers
	return size <= int(l.batch(r.Topic)) && (most == 0 || headers <= most)
}
