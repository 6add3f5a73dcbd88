//go:build cgo

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/embedded"
)

const cardFraud = "../../examples/card-fraud"

// TestRunPublishesWhatPredictSays runs the example's stream to its end, with the
// bundled model. Each event has one prediction, and it is predict's, but for
// what names the event's place and the time.
func TestRunPublishesWhatPredictSays(t *testing.T) {
	want := predictedLines(t)
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		t.Run(delivery, func(t *testing.T) {
			kafka, err := embedded.StartKafka(embedded.KafkaOptions{Topics: []embedded.Topic{
				{Name: "transactions", Partitions: 4}, {Name: "predictions", Partitions: 4}, {Name: "transactions.dead", Partitions: 4},
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer kafka.Close()
			lines := publishExample(t, kafka.Addr())
			runToEnd(t, kafka.Addr(), delivery)
			got := published(t, kafka.Addr(), len(want))
			if len(got) != len(want) {
				t.Errorf("%d predictions, want %d", len(got), len(want))
			}
			for id, p := range got {
				line, ok := lines[id]
				if !ok {
					t.Fatalf("a prediction of %s, which was not published", id)
				}
				if !reflect.DeepEqual(p, want[line]) {
					t.Errorf("%s: %v, but predict says of line %d: %v", id, p, line, want[line])
				}
			}
		})
	}
}

// predictedLines are predict's records of the example's events, by line.
func predictedLines(t *testing.T) map[int]map[string]any {
	t.Helper()
	out := run(t, "", "predict", filepath.Join(cardFraud, "pipeline.yaml"), filepath.Join(cardFraud, "events.jsonl")).want(t, 0).out
	all := map[int]map[string]any{}
	for line := range strings.Lines(out) {
		id, p := unplaced(t, []byte(line))
		n, err := strconv.Atoi(id[strings.LastIndexByte(id, '/')+1:])
		if err != nil {
			t.Fatal(err)
		}
		all[n] = p
	}
	if len(all) < 100 {
		t.Fatalf("predict gives %d records only", len(all))
	}
	return all
}

// unplaced is a prediction without what need not be the same.
func unplaced(t *testing.T, record []byte) (id string, p map[string]any) {
	t.Helper()
	if err := json.Unmarshal(record, &p); err != nil {
		t.Fatalf("%s: %v", record, err)
	}
	id, _ = p["id"].(string)
	maps.DeleteFunc(p, func(key string, _ any) bool { return key == "id" || key == "event_time" || key == "time" })
	return id, p
}

// publishExample publishes the example's events and gives their lines by id.
func publishExample(t *testing.T, addr string) map[string]int {
	t.Helper()
	client := kafkaClient(t, addr)
	events, err := os.ReadFile(filepath.Join(cardFraud, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards lines
	lines := map[string]int{}
	n := 0
	for line := range bytes.Lines(events) {
		at := n
		client.Produce(t.Context(), &kgo.Record{Topic: "transactions", Value: bytes.TrimSpace(line)}, func(r *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			lines[fmt.Sprintf("transactions/%d/%d", r.Partition, r.Offset)] = at
		})
		n++
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lines
}

func runToEnd(t *testing.T, addr, delivery string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	runWith(ctx, t, "", "run", filepath.Join(cardFraud, "pipeline.yaml"), "--until-end",
		"--set", "broker.kafka.bootstrap_servers="+addr, "--set", "listen=127.0.0.1:0", "--set", "delivery="+delivery).want(t, 0, "msg=listening address=http://127.0.0.1:")
	if ctx.Err() != nil {
		t.Fatal("it did not end by itself")
	}
}

// published are the predictions in the sink, by id; there must be n.
func published(t *testing.T, addr string, n int) map[string]map[string]any {
	t.Helper()
	client := kafkaClient(t, addr, kgo.ConsumeTopics("predictions"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all := map[string]map[string]any{}
	for len(all) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d: %v", len(all), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			id, p := unplaced(t, r.Value)
			if all[id] != nil {
				t.Errorf("a second prediction of %s", id)
			}
			all[id] = p
		})
	}
	return all
}

func kafkaClient(t *testing.T, addr string, o ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(o, kgo.SeedBrokers(addr), kgo.DisableClientMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
