package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/embedded"
)

// cluster is an embedded Kafka with a pipeline's topics.
type cluster struct {
	addr   string
	config string
}

func startCluster(t *testing.T, config string) *cluster {
	t.Helper()
	kafka, err := embedded.StartKafka(embedded.KafkaOptions{Topics: []embedded.Topic{
		{Name: "transactions", Partitions: 4}, {Name: "predictions", Partitions: 4}, {Name: "transactions.dead", Partitions: 4},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kafka.Close() })
	model, err := filepath.Abs("../../examples/card-fraud/pipeline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_ = model
	c := &cluster{addr: kafka.Addr(), config: filepath.Join(t.TempDir(), "pipeline.yaml")}
	example, err := os.ReadFile("../../examples/card-fraud/pipeline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("../../examples/card-fraud")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(example), "path: fraud.onnx", "path: "+filepath.Join(dir, "fraud.onnx"))
	text = strings.ReplaceAll(text, "golden.jsonl", filepath.Join(dir, "golden.jsonl"))
	if err := os.WriteFile(c.config, []byte(text+config), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRunPublishesWhatPredictSays runs a stream to its end.
func TestRunPublishesWhatPredictSays(t *testing.T) {
	c := startCluster(t, "")
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.addr))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	events, err := os.ReadFile("../../examples/card-fraud/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(events) {
		producer.Produce(t.Context(), &kgo.Record{Topic: "transactions", Value: bytes.TrimSpace(line)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
		n++
	}
	if err := producer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	code := Run(ctx, []string{"run", c.config, "--until-end", "--set", "broker.kafka.bootstrap_servers=" + c.addr, "--set", "listen=127.0.0.1:0", "--log-level", "debug"},
		Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Lookup: os.LookupEnv})
	t.Log(errs.String())
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(c.addr), kgo.ConsumeTopics("predictions"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	got := 0
	for got < n {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		fetches := consumer.PollFetches(ctx)
		cancel()
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d: %v", got, n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var p map[string]any
			if err := json.Unmarshal(r.Value, &p); err != nil {
				t.Error(err)
			}
			if got == 0 {
				t.Logf("%s", r.Value)
			}
			got++
		})
	}
	_ = bufio.Scanner{}
}
