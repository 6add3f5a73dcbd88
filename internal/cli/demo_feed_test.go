package cli

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kadm"
)

// TestPace asks when it is told to: the rate is kept whatever the rate is.
func TestPace(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 3, 999, 2000, 1e6} {
		start := time.Unix(1000, 0)
		p := schedule{rate: rate, start: start}
		now, made := start, int64(0)
		for now.Sub(start) < 20*time.Second {
			n, wait := p.due(now)
			if n < 0 || wait < time.Millisecond {
				t.Fatalf("at %g/s %d events are due, and the next in %s", rate, n, wait)
			}
			made += n
			now = now.Add(wait)
		}
		if want := int64(20 * rate); made < want-int64(rate/500)-1 || made > want+1 {
			t.Errorf("at %g/s %d events are due in 20 s, want %d", rate, made, want)
		}
	}
}

// TestPaceAfterASleep wants no flood from what was due while the machine slept,
// but catches up on a hiccup.
func TestPaceAfterASleep(t *testing.T) {
	start := time.Unix(1000, 0)
	p := schedule{rate: 100, start: start}
	for _, step := range []struct {
		at   time.Duration
		want int64
	}{
		{0, 0},
		{time.Second, 100},
		{1900 * time.Millisecond, 90},
		{time.Hour, 0},
		{time.Hour + 50*time.Millisecond, 5},
	} {
		if n, _ := p.due(start.Add(step.at)); n != step.want {
			t.Errorf("%d events are due at %s, want %d", n, step.at, step.want)
		}
	}
}

// demoBrokers are both, with the config of the example for each.
func demoBrokers(t *testing.T) map[string]demoBroker {
	t.Helper()
	all := map[string]demoBroker{}
	for _, name := range []string{"nats", "kafka"} {
		c := demoCommand{Broker: name, Rate: 1000}
		file, err := c.unpack(t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.start(&file.Pipeline, &session{Streams: Streams{Out: io.Discard, Err: io.Discard}, log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.stop)
		t.Cleanup(b.servers().close)
		all[name] = b
	}
	return all
}

// TestFeed checks that what it says it sent is in the source, in all of its
// partitions, and about as much as the rate wants.
func TestFeed(t *testing.T) {
	for name, b := range demoBrokers(t) {
		t.Run(name, func(t *testing.T) {
			feed := newDemoFeed(b, 1000, 300*time.Millisecond)
			if err := b.connect(t.Context(), feed.published); err != nil {
				t.Fatal(err)
			}
			defer b.disconnect()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			if err := feed.run(ctx); err != nil {
				t.Fatal(err)
			}
			// On busy cores the second may end late.
			most := int64(1100 * time.Since(start).Seconds())
			if sent := feed.sent.Load(); sent < 500 || sent > most {
				t.Errorf("%d events were sent, want 1000 a second: at most %d", sent, most)
			}
			if !feed.shifted.Load() {
				t.Error("the shift did not come")
			}
			partitions := published(t, b)
			var sum int64
			for partition, events := range partitions {
				if events == 0 {
					t.Errorf("partition %s is empty: are the events keyed?", partition)
				}
				sum += events
			}
			if sum != feed.sent.Load() || len(partitions) != demoPartitions() {
				t.Errorf("the source holds %v events, and %d were sent", partitions, feed.sent.Load())
			}
		})
	}
}

// published is how many events each partition of the source has.
func published(t *testing.T, b demoBroker) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	switch b := b.(type) {
	case *demoKafka:
		ends, err := kadm.NewClient(b.feed).ListEndOffsets(t.Context(), b.cfg.Source.Topic)
		if err != nil {
			t.Fatal(err)
		}
		ends.Each(func(o kadm.ListedOffset) { all[strconv.Itoa(int(o.Partition))] = o.Offset })
	case *demoNATS:
		stream, err := b.js.Stream(t.Context(), b.cfg.Source.Stream)
		if err != nil {
			t.Fatal(err)
		}
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		if err != nil {
			t.Fatal(err)
		}
		for subject, n := range info.State.Subjects {
			all[subject] = int64(n)
		}
	}
	return all
}

// TestFeedTellsThatTheSourceIsGone wants an error, not silence.
func TestFeedTellsThatTheSourceIsGone(t *testing.T) {
	for name, b := range demoBrokers(t) {
		t.Run(name, func(t *testing.T) {
			feed := newDemoFeed(b, 100, 0)
			if err := b.connect(t.Context(), feed.published); err != nil {
				t.Fatal(err)
			}
			defer b.disconnect()
			var err error
			switch b := b.(type) {
			case *demoKafka:
				_, err = kadm.NewClient(b.feed).DeleteTopics(t.Context(), b.cfg.Source.Topic)
			case *demoNATS:
				err = b.js.DeleteStream(t.Context(), b.cfg.Source.Stream)
			}
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := feed.run(ctx); err == nil || ctx.Err() != nil {
				t.Errorf("%v after %d events, want a word on the source", err, feed.sent.Load())
			}
		})
	}
}
