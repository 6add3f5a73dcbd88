//go:build kafka

package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/kafkatest"
)

// startBroker starts a real Kafka, whose jars lie in the user's own cache.
func startBroker(t *testing.T, o kafkatest.Options) *kafkatest.Broker {
	t.Helper()
	if ours := os.Getenv("XDG_CACHE_HOME"); usersCacheSet {
		t.Setenv("XDG_CACHE_HOME", usersCache)
		defer t.Setenv("XDG_CACHE_HOME", ours)
	} else {
		os.Unsetenv("XDG_CACHE_HOME")
		defer t.Setenv("XDG_CACHE_HOME", ours)
	}
	return kafkatest.ForTest(t, o)
}

// absolute is a path of this repository's for a config that lies elsewhere.
func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// securedConfig writes the config of a pipeline over the broker's listener.
func securedConfig(t *testing.T, b *kafkatest.Broker, name string, l kafkatest.Listener, security string) string {
	t.Helper()
	return writeFile(t, name+".yaml", fmt.Sprintf(`name: %s
instance: a
broker: {kafka: {bootstrap_servers: [%q], %s}}
source: {topic: in}
sink: {topic: out}
workers: 1
listen: ""
model:
  path: %s
  inputs:
    input: [amount, amount_avg_30d, amount_sum_24h, tx_count_1h, tx_count_24h, {from: secs_since_last, missing: nan}, merchant_risk, mcc,
      distance_home_km, is_3ds, card_present, hour, weekday, failed_pin_24h, customer.age, customer.tenure_days,
      customer.credit_limit, customer.utilization, {from: device.age_days, missing: nan}, device.ip_risk]
`, name, b.Addr(l), security, absolute(t, "../../testdata/models/logreg_tiny/model.onnx")))
}

// TestRunSecured runs a stream to its end over every way to log in, with the
// rights that penstock topics says it needs and no others.
func TestRunSecured(t *testing.T) {
	b := startBroker(t, kafkatest.Options{Authorize: true})
	for _, topic := range []string{"in", "out", "in.dead"} {
		if err := b.CreateTopic(t.Context(), topic, 2); err != nil {
			t.Fatal(err)
		}
	}
	token := writeFile(t, "token", kafkatest.Token(time.Hour))
	login := func(mechanism string) string {
		return fmt.Sprintf("sasl: {mechanism: %s, username: %s, password: %s}", mechanism, kafkatest.User, kafkatest.Password)
	}
	events := publishModelEvents(t, b.Addr(kafkatest.Plaintext), "logreg_tiny")
	ca := "tls: {ca: " + b.CAFile + "}"
	for _, way := range []struct {
		name, security string
		listener       kafkatest.Listener
	}{
		{"scram-256", login("scram-sha-256"), kafkatest.SASLPlaintext},
		{"scram-512", login("scram-sha-512"), kafkatest.SASLPlaintext},
		{"plain-tls", ca + ", " + login("plain"), kafkatest.SASLTLS},
		{"oauthbearer", "sasl: {mechanism: oauthbearer, token_file: " + token + "}", kafkatest.SASLPlaintext},
		{"mtls", fmt.Sprintf("tls: {ca: %s, cert: %s, key: %s}", b.CAFile, b.CertFile, b.KeyFile), kafkatest.TLS},
	} {
		t.Run(way.name, func(t *testing.T) {
			config := securedConfig(t, b, way.name, way.listener, way.security)
			grant(t, b, way.name, kadm.OpRead, kadm.OpWrite, kadm.OpDescribe)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			runWith(ctx, t, "", "run", config, "--until-end").want(t, 0, fmt.Sprintf("predicted=%d dead_lettered=0", events))
		})
	}
}

// TestRunDenied ends with a word about what to look at, and does not wait for a
// password to become right.
func TestRunDenied(t *testing.T) {
	b := startBroker(t, kafkatest.Options{Authorize: true})
	for _, topic := range []string{"in", "out", "in.dead"} {
		if err := b.CreateTopic(t.Context(), topic, 1); err != nil {
			t.Fatal(err)
		}
	}
	login := "sasl: {mechanism: scram-sha-512, username: penstock, password: "
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	wrong := securedConfig(t, b, "wrong", kafkatest.SASLPlaintext, login+"guess}")
	runWith(ctx, t, "", "run", wrong).want(t, 1, "broker.kafka.sasl")

	stranger := securedConfig(t, b, "stranger", kafkatest.TLS, "tls: {ca: "+b.CAFile+"}")
	runWith(ctx, t, "", "run", stranger).want(t, 1, "broker.kafka.tls.cert")

	bare := securedConfig(t, b, "bare", kafkatest.SASLPlaintext, login+kafkatest.Password+"}")
	runWith(ctx, t, "", "run", bare).want(t, 1, "topic in")

	grant(t, b, "bare", kadm.OpRead, kadm.OpDescribe)
	publishModelEvents(t, b.Addr(kafkatest.Plaintext), "logreg_tiny")
	runWith(ctx, t, "", "run", bare).want(t, 1, "Write")
}

// grant gives the user what penstock topics lists for a pipeline of that name,
// as far as operations has it.
func grant(t *testing.T, b *kafkatest.Broker, name string, operations ...kadm.ACLOperation) {
	t.Helper()
	user := "User:" + kafkatest.User
	topics := []string{"in", "out", "in.dead", name + ".state"}
	for _, acl := range []*kadm.ACLBuilder{
		kadm.NewACLs().Allow(user).AllowHosts().Topics(topics...).Operations(operations...),
		kadm.NewACLs().Allow(user).AllowHosts().Topics(name+".state").Operations(kadm.OpCreate, kadm.OpWrite, kadm.OpRead),
		kadm.NewACLs().Allow(user).AllowHosts().Groups(name).Operations(kadm.OpRead, kadm.OpDescribe),
	} {
		if _, err := b.Admin().CreateACLs(t.Context(), acl.ResourcePatternType(kadm.ACLPatternLiteral)); err != nil {
			t.Fatal(err)
		}
	}
	transactions := kadm.NewACLs().Allow(user).AllowHosts().TransactionalIDs("penstock-"+name+"/").
		Operations(kadm.OpWrite, kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternPrefixed)
	if _, err := b.Admin().CreateACLs(t.Context(), transactions); err != nil {
		t.Fatal(err)
	}
}

// publishModelEvents publishes a shared model's events to the topic in.
func publishModelEvents(t *testing.T, addr, model string) (n int) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/models/" + model + "/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("in"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for line := range strings.Lines(string(text)) {
		records = append(records, &kgo.Record{Value: []byte(strings.TrimSpace(line))})
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return len(records)
}
