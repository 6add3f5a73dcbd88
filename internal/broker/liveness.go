package broker

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Liveness knows whether a cluster answers. It is a hook of its clients, which
// wait for a broker that is away without a word. It is safe for concurrent use.
type Liveness struct {
	answered atomic.Int64            // Unix nanoseconds of the last answer
	trouble  atomic.Pointer[failure] // the last thing that went wrong
}

type failure struct {
	at  int64
	err error
}

var (
	_ kgo.HookBrokerConnect = (*Liveness)(nil)
	_ kgo.HookBrokerE2E     = (*Liveness)(nil)
)

// OnBrokerConnect notes connections that fail.
func (l *Liveness) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	l.note(err)
}

// OnBrokerE2E notes answers, and requests that fail.
func (l *Liveness) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	if err := e.Err(); err != nil {
		l.note(err)
		return
	}
	l.answered.Store(time.Now().UnixNano())
}

// note keeps what goes wrong, but not what the client itself gave up or closed,
// as it does once one request of a connection was not answered.
func (l *Liveness) note(err error) {
	if err != nil && !isAny(err, context.Canceled, net.ErrClosed) {
		l.trouble.Store(&failure{at: time.Now().UnixNano(), err: err})
	}
}

// troubleCounts is the part of a patience after which a failure is the
// cluster's. Members send heartbeats twice as often, so that while one broker of
// several is away, which connections to it go on telling, another has answered.
const troubleCounts = heartbeats / 2

// Silent tells since when the cluster has not answered, and the last error
// since then. It is silent after patience, or a fraction of that when something
// has failed since its last answer.
func (l *Liveness) Silent(now time.Time, patience time.Duration) (since time.Time, silent bool, err error) {
	answered := l.answered.Load()
	since = time.Unix(0, answered)
	if f := l.trouble.Load(); f != nil && f.at > answered {
		return since, answered == 0 || now.Sub(since) > patience/troubleCounts, f.err
	}
	return since, answered == 0 || now.Sub(since) > patience, nil
}
