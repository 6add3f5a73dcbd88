//go:build nats

package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// read gives all that is in a stream now of some subjects, in order.
func (n *onNATS) read(stream string, subjects []string, each func(jetstream.Msg, *jetstream.MsgMetadata)) {
	n.st.Helper()
	ctx, cancel := context.WithTimeout(n.st.Context(), settleTime)
	defer cancel()
	c, err := n.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: subjects})
	if err != nil {
		n.st.Fatalf("read %s: %v", stream, err)
	}
	info, err := c.Info(ctx)
	if err != nil {
		n.st.Fatalf("read %s: %v", stream, err)
	}
	if info.NumPending == 0 {
		return
	}
	messages, err := c.Messages()
	if err != nil {
		n.st.Fatalf("read %s: %v", stream, err)
	}
	defer messages.Stop()
	for left := true; left; {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			n.st.Fatalf("read %s: %v", stream, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			n.st.Fatalf("read %s: %v", stream, err)
		}
		each(m, meta)
		left = meta.NumPending > 0
	}
}

// headersAt are a message's, without those that say something to the server.
func headersAt(m jetstream.Msg) string {
	var all []header
	for _, key := range slices.Sorted(maps.Keys(m.Headers())) {
		for _, value := range m.Headers()[key] {
			if !strings.HasPrefix(key, "Nats-") {
				all = append(all, header{key, value})
			}
		}
	}
	return headersOf(all)
}

// events are what the source has, which must be what its publisher was told that
// it has.
func (n *onNATS) events() []event {
	n.st.Helper()
	var all []event
	var ids []string
	n.read(n.source(), []string{n.source() + ".>"}, func(m jetstream.Msg, meta *jetstream.MsgMetadata) {
		e := event{at: place{n.partition(m.Subject()), int64(meta.Sequence.Stream)}, headers: headersAt(m), value: m.Data()}
		if m.Headers().Get("KV-Operation") != "" {
			e.value = nil
		}
		all = append(all, e)
		ids = append(ids, m.Headers().Get(jetstream.MsgIDHeader))
	})
	if err := arrived(ids, n.fed.next); err != nil {
		n.st.Error(err)
	}
	return all
}

// partition is that of an event's subject.
func (n *onNATS) partition(subject string) int32 {
	rest, _ := strings.CutPrefix(subject, n.source()+".")
	number, _, _ := strings.Cut(rest, ".")
	p, err := strconv.Atoi(number)
	if err != nil {
		return -1
	}
	return int32(p)
}

// predictions and dead letters have each a subject.
func (n *onNATS) subjects() []string {
	return []string{n.st.name + ".predictions", n.st.name + ".dead"}
}

func (n *onNATS) outputs() []output {
	n.st.Helper()
	var all []output
	n.read(n.own(), n.subjects(), func(m jetstream.Msg, meta *jetstream.MsgMetadata) {
		all = append(all, output{
			at: n.origin(m, meta), dead: m.Subject() == n.subjects()[1], headers: headersAt(m),
			class: m.Headers().Get(ownHeader + "error-class"), value: m.Data(),
		})
	})
	return all
}

// origin is the place of the event that a message was made of, by its id,
// STREAM/SUBJECT/SEQUENCE.
func (n *onNATS) origin(m jetstream.Msg, meta *jetstream.MsgMetadata) place {
	id := m.Headers().Get(ownHeader + "source")
	if id == "" {
		id = predictionID(m.Data())
	}
	parts := strings.Split(id, "/")
	if len(parts) == 3 && parts[0] == n.source() {
		if sequence, err := strconv.ParseInt(parts[2], 10, 64); err == nil {
			return place{n.partition(parts[1]), sequence}
		}
	}
	return place{-1, int64(meta.Sequence.Stream)}
}

func (n *onNATS) arrivals(ctx context.Context, each func(partition int32)) {
	var c jetstream.Consumer
	for c == nil { // until the pipeline has made its stream
		var err error
		if c, err = n.js.OrderedConsumer(ctx, n.own(), jetstream.OrderedConsumerConfig{FilterSubjects: n.subjects()}); err != nil {
			c = nil
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return
			}
		}
	}
	reading, err := c.Consume(func(m jetstream.Msg) {
		if meta, err := m.Metadata(); err == nil {
			if at := n.origin(m, meta); at.partition >= 0 {
				each(at.partition)
			}
		}
	}, jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) {})) // the broker's death, which tests intend
	if err != nil {
		return
	}
	<-ctx.Done()
	reading.Stop()
}

// explain tells which outputs events have that are lost or doubled, and where
// the position stood that went with each of them.
func (n *onNATS) explain(v *verdict) {
	n.st.Helper()
	asked := v.missing[:min(len(v.missing), explainMost)]
	if !n.st.atLeastOnce {
		asked = slices.Concat(asked, v.repeated[:min(len(v.repeated), explainMost)])
	}
	if len(asked) == 0 {
		return
	}
	copies := map[place][]string{}
	n.read(n.own(), n.subjects(), func(m jetstream.Msg, meta *jetstream.MsgMetadata) {
		if at := n.origin(m, meta); slices.Contains(asked, at) {
			copies[at] = append(copies[at], fmt.Sprintf("%s at %d, %v, batch %s", m.Subject(), meta.Sequence.Stream,
				meta.Timestamp.Format(time.RFC3339Nano), m.Headers().Get("Nats-Batch-Id")))
		}
	})
	for _, at := range asked {
		n.st.Logf("%v has %d outputs: %q", at, len(copies[at]), copies[at])
	}
}

func (n *onNATS) reports(pipeline string) [][]byte {
	n.st.Helper()
	var all [][]byte
	n.read(pipeline+"-own", []string{pipeline + ".drift"}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
		all = append(all, m.Data())
	})
	return all
}
