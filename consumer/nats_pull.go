package consumer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// pull has the server deliver a consumer's messages, more of them whenever half of
// those have come that were asked for. The client's own takes a message without a
// body and with a header Status, which anybody may publish, for a word of the
// server's, and ends. Here what has a reply subject is a message: the server's
// words have none.
type pull struct {
	conn    *nats.Conn
	sub     *nats.Subscription
	subject string // of requests
	batch   int    // most messages that are asked for
	bytes   int    // most of a request
	take    func(*nats.Msg)
	fail    func(error)

	mu sync.Mutex // guards what follows
	// due is how many messages were asked for that have neither come nor expired.
	due     int
	stopped bool
	silence *time.Timer
}

// Bounds of a request.
const (
	// heartbeat is how often a server says that it is there while nothing comes;
	// after two that are missing it is asked again. A server that has many events to
	// sync to its disk delivers none of a stream meanwhile, and says nothing.
	// Whether it is there, the connection's pings tell.
	heartbeat = time.Second
	// expiry ends a request. At least once it bounds how long messages go to a worker
	// that is gone and whose connection is not.
	expiry = 4 * heartbeat
)

// startPull asks for messages, which go to take, one after the other and without a
// bound of time, until stop. It ends with fail.
func startPull(conn *nats.Conn, consumer *jetstream.ConsumerInfo, batch, bytes int, take func(*nats.Msg), fail func(error)) (*pull, error) {
	if most := consumer.Config.MaxRequestBatch; most > 0 {
		batch = min(batch, most)
	}
	p := &pull{
		conn: conn, subject: "$JS.API.CONSUMER.MSG.NEXT." + consumer.Stream + "." + consumer.Name,
		batch: batch, bytes: bytes, take: take, fail: fail,
	}
	var err error
	if p.sub, err = conn.Subscribe(conn.NewInbox(), p.receive); err != nil {
		return nil, err
	}
	p.silence = time.AfterFunc(2*heartbeat, func() { p.ask(p.batch) })
	p.ask(0)
	return p, nil
}

// receive is called by one goroutine.
func (p *pull) receive(m *nats.Msg) {
	p.silence.Stop() // to take it may last
	gone := 1
	if m.Reply != "" {
		p.take(m)
	} else {
		var err error
		if gone, err = expired(m.Header); err != nil {
			p.fail(err)
			return
		}
	}
	p.ask(gone)
}

// ask asks for more where it is time. So many are due no more.
func (p *pull) ask(gone int) {
	more := p.room(gone)
	if more == 0 {
		return
	}
	request, err := json.Marshal(pullRequest{Expires: expiry, Batch: more, MaxBytes: p.bytes, Heartbeat: heartbeat})
	if err == nil {
		err = p.conn.PublishRequest(p.subject, p.sub.Subject, request)
	}
	if err != nil {
		p.fail(fmt.Errorf("ask for messages: %w", err))
	}
}

// pullRequest is as the server reads it, with times in nanoseconds.
type pullRequest struct {
	Expires   time.Duration `json:"expires"`
	Batch     int           `json:"batch"`
	MaxBytes  int           `json:"max_bytes"`
	Heartbeat time.Duration `json:"idle_heartbeat"`
}

// room is how many messages to ask for now.
func (p *pull) room(gone int) (more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return 0
	}
	p.silence.Reset(2 * heartbeat)
	p.due = max(p.due-gone, 0)
	if p.due > p.batch/2 {
		return 0
	}
	more = p.batch - p.due
	p.due = p.batch
	return more
}

// stop asks for nothing more, and has taken no more once the connection is flushed.
func (p *pull) stop() {
	p.mu.Lock()
	p.stopped = true
	p.silence.Stop()
	p.mu.Unlock()
	_ = p.sub.Unsubscribe() // fails where the connection is gone
}

// expired reads a word of the server's: how many messages of a request do not come
// because its time is over or the next one is too large for the rest of it. Other
// words are errors.
func expired(word nats.Header) (messages int, err error) {
	status, description := word.Get("Status"), word.Get("Description")
	switch {
	case status == "100": // a heartbeat
		return 0, nil
	case status == "503":
		return 0, nats.ErrNoResponders
	case description == "Server Shutdown":
		return 0, jetstream.ErrServerShutdown
	case description == "Leadership Change":
		return 0, jetstream.ErrConsumerLeadershipChanged
	}
	if messages, err = strconv.Atoi(word.Get("Nats-Pending-Messages")); err != nil {
		return 0, fmt.Errorf("the server says %s %s", status, description)
	}
	return messages, nil
}
