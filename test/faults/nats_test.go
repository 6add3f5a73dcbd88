//go:build nats

package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	natsbroker "github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/brokertest"
	"github.com/penstock/penstock/internal/natstest"
)

// sharedNATS is started by the first test that needs it. It syncs each write, as
// a single server must that is to lose nothing.
var sharedNATS = sync.OnceValues(func() (*natstest.Server, error) {
	s, err := natstest.Start(context.Background(), natstest.Options{SyncAlways: true})
	if err == nil {
		shared.brokers = append(shared.brokers, s.Close)
	}
	return s, err
})

// natsServer is what may happen to a server.
type natsServer interface {
	Kill() error
	Restart(ctx context.Context) error
	Pause() error
	Resume() error
}

// onNATS is a stage's side at a nats-server: a source stream with a filter for
// each partition, of whose subjects each key is one, and the pipeline's own
// stream.
type onNATS struct {
	natsServer
	st       *stage
	brokerIs string // broker: of the config
	js       jetstream.JetStream
	fed      *natsPublisher
}

// server is the opener of a nats-server in a process of its own.
func server(st *stage) broker {
	st.Helper()
	s, err := sharedNATS()
	if err == nil && s.PID() == 0 { // an earlier test failed with it down
		err = s.Restart(st.Context())
	}
	if err != nil {
		st.Fatal(err)
	}
	st.steady = time.Second
	n := &onNATS{natsServer: s, st: st, brokerIs: fmt.Sprintf("{nats: {url: %q}}", s.URL())}
	n.connect(s.URL())
	// The pipeline makes its own stream.
	if _, err := n.js.CreateStream(st.Context(), jetstream.StreamConfig{Name: n.source(), Subjects: []string{n.source() + ".>"}}); err != nil {
		st.Fatal(err)
	}
	return n
}

// inside is the opener of a nats-server in the one process that runs the
// pipeline, and which makes the source, too. They are killed together.
func inside(st *stage) broker {
	st.Helper()
	ports, err := brokertest.FreePorts(1)
	if err != nil {
		st.Fatal(err)
	}
	address := brokertest.Address(ports[0])
	n := &onNATS{st: st, brokerIs: fmt.Sprintf("{embedded: {dir: %q, listen: %q}}", filepath.Join(st.dir, "streams"), address)}
	n.connect("nats://" + address)
	return n
}

// connect connects to a server that may come later and go at any time.
func (n *onNATS) connect(url string) {
	n.st.Helper()
	conn, err := nats.Connect(url, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // by default it prints to stderr
	if err == nil {
		n.st.Cleanup(conn.Close)
		n.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(answerTime),
			jetstream.WithPublishAsyncMaxPending(feedAhead), jetstream.WithPublishAsyncTimeout(answerTime))
	}
	if err != nil {
		n.st.Fatal(err)
	}
}

const (
	// answerTime is how long a question waits for a server that may be down.
	answerTime = 2 * time.Second
	// feedAhead is how many events are on their way at a time. The server syncs
	// one after the other, and delivers nothing of the stream until it is through.
	feedAhead = 256
)

func (n *onNATS) source() string { return n.st.name + "-events" }
func (n *onNATS) own() string    { return n.st.name + "-own" }

func (n *onNATS) filter(partition int) string { return fmt.Sprintf("%s.%d.>", n.source(), partition) }

func (n *onNATS) config() string {
	return fmt.Sprintf(`broker: %s
source: {stream: %s, filter_subjects: ["%s.{0..%d}.>"], event_time: event_time, session_timeout: %s}
sink: {stream: %s}
`, n.brokerIs, n.source(), n.source(), sourcePartitions-1, n.st.sessionTimeout, n.own())
}

func (n *onNATS) beside(pipeline string) []string {
	return []string{"name=" + pipeline, "sink.stream=" + pipeline + "-own"}
}

// open asks the workers' notes. What the server has of an epoch says too little:
// nothing before the commit, which is one batch; and that a worker is behind what
// was delivered to its connection does not tell that it has looked at it.
func (n *onNATS) open(instance string) bool { return n.st.noted(instance) }

// claim is the message of a lease, and of a member, as docs/formats.md has it.
type claim struct {
	Owner string `json:"owner"`
	Life  string `json:"life"`
}

// members: a lease of an owner that is no member, or of one's earlier life, has
// yet to be taken over.
func (n *onNATS) members() (members []string, atRest bool) {
	ctx, cancel := context.WithTimeout(n.st.Context(), answerTime)
	defer cancel()
	alive, err := n.claims(ctx, "member")
	leases, err2 := n.claims(ctx, "lease")
	if err != nil || err2 != nil {
		return nil, false
	}
	lives, loads := map[string]string{}, map[string]int{}
	for _, m := range alive {
		members = append(members, strings.TrimPrefix(m.Owner, n.st.name+"-"))
		lives[m.Owner] = m.Life
	}
	if len(members) == 0 {
		return nil, false
	}
	if n.st.mutant == everyFilter {
		return members, true // leases are nobody's business
	}
	atRest = len(leases) == sourcePartitions
	for _, l := range leases {
		loads[l.Owner]++
		atRest = atRest && lives[l.Owner] == l.Life && loads[l.Owner] <= (sourcePartitions+len(members)-1)/len(members)
	}
	return members, atRest
}

// claims are those of a kind that somebody has.
func (n *onNATS) claims(ctx context.Context, kind string) ([]claim, error) {
	own, err := n.js.Stream(ctx, n.own())
	if err != nil {
		return nil, err
	}
	info, err := own.Info(ctx, jetstream.WithSubjectFilter(n.st.name+"."+kind+".*")) // the monitors' have a token more
	if err != nil {
		return nil, err
	}
	var all []claim
	for subject := range info.State.Subjects {
		m, err := own.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // it has just expired
		}
		if err != nil {
			return nil, err
		}
		var c claim
		if err := json.Unmarshal(m.Data, &c); err != nil {
			return nil, err
		}
		if c.Owner != "" {
			all = append(all, c)
		}
	}
	return all, nil
}

func (n *onNATS) stands() (at, ends int64) {
	ctx, cancel := context.WithTimeout(n.st.Context(), answerTime)
	defer cancel()
	source, err := n.js.Stream(ctx, n.source())
	own, err2 := n.js.Stream(ctx, n.own())
	if err != nil || err2 != nil {
		return 0, 0
	}
	for p := range sourcePartitions {
		last, err := source.GetLastMsgForSubject(ctx, n.filter(p))
		if err != nil {
			return 0, 0
		}
		ends += int64(last.Sequence)
		done, err := n.done(ctx, source, own, n.filter(p))
		if err != nil {
			return 0, 0
		}
		at += done
	}
	return at, ends
}

// done is the sequence of the last event of a filter that is done with.
func (n *onNATS) done(ctx context.Context, source, own jetstream.Stream, filter string) (int64, error) {
	if n.st.atLeastOnce {
		c, err := source.Consumer(ctx, natsbroker.Durable(n.st.name, filter))
		if err != nil {
			return 0, err
		}
		return int64(c.CachedInfo().AckFloor.Stream), nil
	}
	m, err := own.GetLastMsgForSubject(ctx, n.st.name+".position."+natsbroker.Token(filter))
	if err != nil {
		return 0, err
	}
	var position struct {
		Next int64 `json:"next_seq"`
	}
	err = json.Unmarshal(m.Data, &position)
	return position.Next - 1, err
}

// settled: what is in a stream can be read.
func (n *onNATS) settled() {}

// natsPublisher publishes each event until the server says that it has it. An
// event's message id has it in the stream once, however often it was published.
type natsPublisher struct {
	n       *onNATS
	next    int
	waiting chan waiting
	ended   chan error // when all have arrived, or one cannot
}

// waiting is an event that is on its way.
type waiting struct {
	msg  *nats.Msg
	sent jetstream.PubAckFuture // nil: it was not
}

func (n *onNATS) publisher() publisher {
	n.fed = &natsPublisher{n: n, waiting: make(chan waiting, 2*feedAhead), ended: make(chan error, 1)}
	go func() { n.fed.ended <- n.fed.see() }()
	return n.fed
}

func (p *natsPublisher) publish(e *newEvent) {
	key := "none"
	if e.key != nil {
		key = string(e.key)
	}
	m := nats.NewMsg(p.n.source() + "." + strconv.Itoa(e.partition) + "." + key)
	m.Data = e.value
	m.Header.Set(jetstream.MsgIDHeader, strconv.Itoa(p.next))
	p.next++
	if e.traced {
		m.Header["trace"] = []string{"1", ""}
	}
	if e.value == nil {
		m.Header.Set("KV-Operation", "DEL")
	}
	sent, err := p.n.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0), jetstream.WithStallWait(answerTime))
	if err != nil {
		sent = nil
	}
	p.waiting <- waiting{m, sent}
}

// see waits for the server's word on each event, and publishes those again that
// it has not taken.
func (p *natsPublisher) see() error {
	for w := range p.waiting {
		if w.sent != nil {
			select {
			case <-w.sent.Ok():
				continue
			case <-w.sent.Err():
			}
		}
		for deadline := time.Now().Add(settleTime); ; time.Sleep(20 * time.Millisecond) {
			ctx, cancel := context.WithTimeout(context.Background(), answerTime)
			_, err := p.n.js.PublishMsg(ctx, w.msg)
			cancel()
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				for range p.waiting { // so that nobody waits for room
				}
				return err
			}
		}
	}
	return nil
}

// flush is called once, at the end.
func (p *natsPublisher) flush() error {
	close(p.waiting)
	return <-p.ended
}

func (p *natsPublisher) close() {}

// everyFilter is the mutant that has each worker read every filter.
const everyFilter = "every-filter"

// TestNATS puts a nats-server to the suite.
func TestNATS(t *testing.T) {
	trial{on: server, part: 2, mutants: map[string]plan{
		"position-outside-batch": kills(),
		"no-expected-sequence":   zombies(),
		"ack-before-publish":     kills().atLeastOnce(),
	}}.run(t)
	t.Run("EveryFilter", withoutLeases)
}

// withoutLeases has every worker read every filter all the time. Leases are
// there to save work; without them nothing is lost or doubled either.
func withoutLeases(t *testing.T) {
	p := kills()
	p.kills, p.brokerKills, p.mutant = times(4, 30), times(1, 3), everyFilter
	if n := p.run(t, server); n > 0 {
		t.Errorf("%d violations", n)
	}
}

// TestEmbedded kills the process that is worker and server in one, while others
// publish to it: what it has acknowledged to them is there, and gives one output.
func TestEmbedded(t *testing.T) {
	p := plan{setting{failpoints: keepOpen}, storm{kills: times(5, 100), rate: 1000, alone: true}}
	t.Run("Kills", func(t *testing.T) {
		if n := p.run(t, inside); n > 0 {
			t.Errorf("%d violations", n)
		}
	})
	t.Run("Mutants", func(t *testing.T) { caught(t, inside, map[string]plan{"position-outside-batch": p}) })
}
