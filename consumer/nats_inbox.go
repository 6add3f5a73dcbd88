package consumer

import (
	"sync"

	"github.com/nats-io/nats.go"
)

// inbox holds what the server has delivered and the worker has not polled yet.
// The client's goroutines, one a filter, fill it and wait when it is full.
type inbox struct {
	limit int           // bytes
	ready chan struct{} // has a token when there is something to see

	mu      sync.Mutex // guards what follows
	room    sync.Cond
	waiting []delivery
	bytes   int
	err     error // why nothing more comes
	closed  bool
}

// delivery is a message with the reader of its filter.
type delivery struct {
	reader *filterReader
	msg    *nats.Msg
}

func newInbox(limit int) *inbox {
	b := &inbox{limit: limit, ready: make(chan struct{}, 1)}
	b.room.L = &b.mu
	return b
}

// put adds a message, once there is room.
func (b *inbox) put(r *filterReader, m *nats.Msg) {
	b.mu.Lock()
	for b.bytes >= b.limit && !b.closed {
		b.room.Wait()
	}
	if !b.closed {
		b.waiting = append(b.waiting, delivery{r, m})
		b.bytes += len(m.Data) + deliveryBytes
	}
	first := len(b.waiting) == 1
	b.mu.Unlock()
	if first {
		b.kick()
	}
}

// deliveryBytes is about what a message takes beside its data.
const deliveryBytes = 512

func (b *inbox) kick() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take appends at most limit messages, in the order they came in.
func (b *inbox) take(to []delivery, limit int) ([]delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return to, b.err
	}
	n := min(limit, len(b.waiting))
	to = append(to, b.waiting[:n]...)
	for i := range b.waiting[:n] {
		b.bytes -= len(b.waiting[i].msg.Data) + deliveryBytes
	}
	left := copy(b.waiting, b.waiting[n:])
	clear(b.waiting[left:])
	b.waiting = b.waiting[:left]
	if n > 0 {
		b.room.Broadcast()
	}
	return to, nil
}

// empty tells whether nothing waits.
func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) == 0
}

// fail ends all: the worker's next take gives the first error.
func (b *inbox) fail(err error) {
	b.mu.Lock()
	if b.err == nil {
		b.err = err
	}
	b.mu.Unlock()
	b.kick()
}

// close lets go of those who wait for room.
func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.waiting = nil
	b.mu.Unlock()
	b.room.Broadcast()
}
