//go:build unix

package broker

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/brokertest"
	"github.com/penstock/penstock/internal/config"
)

// sharedOut is a group of one process with so many workers, which have all filters,
// two each. Its way to the server may be made longer.
func sharedOut(t *testing.T, workers int, ttl time.Duration, before ...func(jetstream.JetStream)) (*Group, *brokertest.Proxy) {
	t.Helper()
	s := startNATS(t)
	proxy := brokertest.ProxyForTest(t, s.Addr().String())
	subjects := NewSubjects(&config.Pipeline{Name: "p", Source: config.Source{Group: "p"}})
	js := jetStreamOf(t, &config.NATS{URL: "nats://" + proxy.Addr()})
	addStream(t, js, jetstream.StreamConfig{Name: "OWN", Subjects: subjects.All(), AllowAtomicPublish: true, AllowRollup: true, AllowMsgTTL: true, AllowDirect: true})
	o := GroupOptions{
		JS: js, Stream: "OWN", Subjects: subjects, Name: "p", Instance: "a", Workers: workers, TTL: ttl,
		Batches: &Batches{}, Log: slog.New(slog.DiscardHandler),
	}
	for i := range 2 * workers {
		o.Filters = append(o.Filters, fmt.Sprintf("in.%d", i))
	}
	for _, f := range before {
		f(js)
	}
	g, err := JoinGroup(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for n := range workers {
		t.Cleanup(g.Member(n).Begin())
	}
	for deadline := time.Now().Add(10 * time.Second); held(g) < 2*workers; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d filters are held", held(g))
		}
	}
	return g, proxy
}

// held is how many filters the workers of g may read.
func held(g *Group) int {
	n := 0
	for _, m := range g.members {
		n += len(m.Filters())
	}
	return n
}

// TestManyWorkersFarFromTheServer: what is renewed in time does not depend on how
// many there are to renew it. One by one, four workers' places and leases would take
// eight round trips, and only two are possible in the time for them.
func TestManyWorkersFarFromTheServer(t *testing.T) {
	t.Parallel()
	const ttl = 6 * time.Second // long beside what a busy machine takes
	g, proxy := sharedOut(t, 4, ttl)
	proxy.SetDelay(ttl * 3 / 40) // each way
	for start := time.Now(); time.Since(start) < 3*ttl/2; time.Sleep(5 * time.Millisecond) {
		if n := held(g); n != 8 {
			t.Fatalf("after %v %d filters of 8 are held", time.Since(start), n)
		}
	}
}

// TestUnansweredRenewalsCount: what was renewed and not answered in time is known
// from the watch, and counts from when it was sent. What somebody else has written, or
// nobody has tried to renew, does not.
func TestUnansweredRenewalsCount(t *testing.T) {
	t.Parallel()
	g, _ := sharedOut(t, 1, 2*time.Second)
	g.end() // nothing else writes any more
	m := g.members[0]
	now := time.Now()
	sent := now.Add(-time.Second)
	expect := func(what string, want uint64, until time.Time) {
		t.Helper()
		if l := m.held()[0]; l.sequence != want || !l.until.Equal(until) {
			t.Errorf("%s: the lease is %d until %v, want %d until %v", what, l.sequence, l.until, want, until)
		}
		if m.sequence != want || !m.until.Equal(until) {
			t.Errorf("%s: the place is %d until %v, want %d until %v", what, m.sequence, m.until, want, until)
		}
	}
	write := func(c claim, sequence uint64, tried time.Time) {
		m.leases[0].sequence, m.leases[0].until, m.leases[0].tried = 100, now, tried
		m.sequence, m.until, m.tried = 100, now, tried
		for _, subject := range []string{m.subject, g.o.Subjects.Lease(g.o.Filters[0])} {
			g.view.set(subject, seen{claim: c, sequence: sequence, until: now.Add(time.Minute)})
		}
		m.adopt(now)
	}
	write(m.own(), 200, time.Time{})
	expect("not tried", 100, now)
	other := m.own()
	other.Life = "another"
	write(other, 201, sent)
	expect("another's", 100, now)
	write(m.own(), 202, sent)
	expect("renewed", 202, sent.Add(g.o.TTL))
	if !m.tried.IsZero() || !m.leases[0].tried.IsZero() {
		t.Error("what is known is still waited for")
	}
}

// TestGoodByeAfterAnAnswerWasLost: who renews, is not told so, and leaves at once
// gives everything back all the same; others would wait for the TTL.
func TestGoodByeAfterAnAnswerWasLost(t *testing.T) {
	t.Parallel()
	g, _ := sharedOut(t, 1, 2*time.Second)
	g.end()
	m := g.members[0]
	subjects := []string{m.subject}
	for filter := range m.held() {
		subjects = append(subjects, g.o.Subjects.Lease(g.o.Filters[filter]))
	}
	for _, subject := range subjects {
		held, err := Last[claim](t.Context(), g.stream, subject)
		if err != nil || held == nil {
			t.Fatalf("%s: %v, %v", subject, held, err)
		}
		value, err := m.claim()
		if err != nil {
			t.Fatal(err)
		}
		again := Guard{Subject: subject, Value: value, Expected: held.Sequence, TTL: g.o.TTL}
		if _, err := again.Put(t.Context(), g.o.JS); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, subject := range subjects {
		if held, err := Last[claim](t.Context(), g.stream, subject); err != nil || held != nil && held.Value.Owner != "" {
			t.Errorf("%s is still %+v, %v", subject, held, err)
		}
	}
}

// TestDeafWatchIsNoticedInTime: the server is asked to say so often that it is there
// that two missing words fit into the TTL. A watch that is deaf for longer takes all others
// for dead.
func TestDeafWatchIsNoticedInTime(t *testing.T) {
	t.Parallel()
	pulls := make(chan *nats.Msg, 64)
	g, _ := sharedOut(t, 1, 2*time.Second, func(js jetstream.JetStream) {
		_, err := js.Conn().ChanSubscribe("$JS.API.CONSUMER.MSG.NEXT.OWN.>", pulls)
		if err == nil {
			err = js.Conn().Flush() // before the watch asks, on another connection
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	select {
	case m := <-pulls:
		var asked struct {
			Heartbeat time.Duration `json:"idle_heartbeat"`
		}
		if err := json.Unmarshal(m.Data, &asked); err != nil || asked.Heartbeat <= 0 || 2*asked.Heartbeat > g.o.TTL {
			t.Errorf("it asks %s, %v", m.Data, err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the watch asks for nothing")
	}
}
