package cli

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/embedded"
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

// TestFeed checks that what it says it sent is in the topic, keyed, and about
// as much as the rate wants.
func TestFeed(t *testing.T) {
	k, err := embedded.StartKafka(embedded.KafkaOptions{Topics: []embedded.Topic{{Name: "in", Partitions: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	feed, err := newDemoFeed(k.Addr(), "in", 1000, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := feed.run(ctx); err != nil {
		t.Fatal(err)
	}
	if sent := feed.sent.Load(); sent < 500 || sent > 1100 {
		t.Errorf("%d events were sent in a second, want 1000", sent)
	}
	if !feed.shifted.Load() {
		t.Error("the shift did not come")
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset == 0 {
			t.Errorf("partition %d is empty: are the events keyed?", o.Partition)
		}
		sum += o.Offset
	})
	if sum != feed.sent.Load() {
		t.Errorf("the topic holds %d events, and %d were sent", sum, feed.sent.Load())
	}
}

// TestFeedTellsThatTheBrokerIsGone wants an error, not silence.
func TestFeedTellsThatTheBrokerIsGone(t *testing.T) {
	k, err := embedded.StartKafka(embedded.KafkaOptions{}) // it has no topic
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	feed, err := newDemoFeed(k.Addr(), "in", 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := feed.run(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("%v after %d events, want a word on the topic", err, feed.sent.Load())
	}
}
