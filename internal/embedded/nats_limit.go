package embedded

import (
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// unlimited is the server's own limit, since that cannot be lifted: MaxBytes is
// the limit of the account that all users are in.
const unlimited = 1 << 60

// full tells whether the streams take what they may, but for a message of the
// largest size, or of a tenth of it all.
func (n *NATS) full(s *server.Server) bool {
	most := n.opts.MaxBytes
	return most > 0 && used(s) > most-min(spare, most/10)
}

// compareDisk warns of a disk that is smaller than MaxBytes.
func (n *NATS) compareDisk() {
	left, ok := free(n.opts.Dir)
	if !ok || n.opts.MaxBytes == 0 {
		return
	}
	if has := left + used(n.server); has < n.opts.MaxBytes {
		n.log.Warn("the disk of the embedded NATS is full before max_bytes is reached, and then it stops, where it would only refuse what is published: lower max_bytes",
			"dir", n.opts.Dir, "max_bytes", n.opts.MaxBytes, "room_bytes", has)
	}
}

// used is how much the streams take on the disk.
func used(s *server.Server) int64 { return int64(s.GlobalAccount().JetStreamUsage().Store) }

// allow sets the limit of what all streams take on the disk; 0: none.
func allow(s *server.Server, most int64) error {
	limits := server.JetStreamAccountLimits{
		MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1,
		MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}
	if most > 0 {
		limits.MaxStore = most
	}
	return s.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits})
}

// writing is how long a batch may still be written of which nobody has heard the
// end.
const writing = time.Minute

// BeginBatch is called before an atomic batch is sent, and end after its answer,
// or with false when there was none. Without room ok is false, and the batch must
// not be sent.
//
// nats-server compares each message of a batch with the limits once more while it
// writes them, and stops where one is reached: what it has written stays, without the
// rest. So while batches are written there is no limit, and once it is reached none
// begins. It may be exceeded by those that were under way, and by what others
// publish meanwhile.
func (n *NATS) BeginBatch() (end func(answered bool), ok bool) {
	n.limit.Lock()
	defer n.limit.Unlock()
	s := n.running()
	if s == nil || n.full(s) || n.batches == 0 && allow(s, 0) != nil {
		return nil, false
	}
	n.batches++
	return func(answered bool) {
		if answered {
			n.endBatch()
		} else {
			time.AfterFunc(writing, n.endBatch)
		}
	}, true
}

func (n *NATS) endBatch() {
	n.limit.Lock()
	defer n.limit.Unlock()
	if n.batches--; n.batches > 0 {
		return
	}
	if s := n.running(); s != nil {
		_ = allow(s, n.opts.MaxBytes) // fails without JetStream, which the next start brings back
	}
}
