//go:build kafka

package faults

import (
	"cmp"
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

// Partitions: unlike numbers, so that keys and partitions mix.
const (
	sourcePartitions = 8
	sinkPartitions   = 5
)

// setting is what a test varies. The zero value is exactly once with the
// defaults.
type setting struct {
	atLeastOnce        bool
	members            int           // workers of a process; 0: 2
	sessionTimeout     time.Duration // 0: 6 s
	transactionTimeout time.Duration // 0: 60 s, so that no test passes by waiting for it
	failpoints         string        // as PENSTOCK_FAILPOINTS
	mutant             string
	args               []string // of penstock run, besides
}

// stage is one pipeline with topics of its own at the shared broker.
type stage struct {
	*testing.T
	setting

	name   string
	dir    string // config, logs, events
	config string
	broker *kafkatest.Broker

	workers []*process
}

func newStage(t *testing.T, s setting) *stage {
	t.Helper()
	s.members = cmp.Or(s.members, 2)
	s.sessionTimeout = cmp.Or(s.sessionTimeout, 6*time.Second)
	s.transactionTimeout = cmp.Or(s.transactionTimeout, time.Minute)
	st := &stage{
		T: t, setting: s, dir: t.TempDir(), broker: shared.broker,
		name: fmt.Sprintf("%s.%d", strings.ToLower(filepath.Base(t.Name())), shared.stages.Add(1)),
	}
	if st.broker.PID() == 0 { // an earlier test failed with it down
		if err := st.broker.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	st.createTopic(st.source(), sourcePartitions)
	st.createTopic(st.sink(), sinkPartitions)
	st.createTopic(st.dead(), 3)
	st.config = filepath.Join(st.dir, "pipeline.yaml")
	if err := os.WriteFile(st.config, []byte(st.yaml()), 0o600); err != nil {
		t.Fatal(err)
	}
	return st
}

func (st *stage) source() string { return st.name + ".events" }
func (st *stage) sink() string   { return st.name + ".predictions" }
func (st *stage) dead() string   { return st.name + ".dead" }

func (st *stage) createTopic(name string, partitions int32) {
	st.Helper()
	if err := st.broker.CreateTopic(st.Context(), name, partitions); err != nil {
		st.Fatal(err)
	}
}

// yaml is the bundled example with this stage's ends.
func (st *stage) yaml() string {
	const example = "../../examples/card-fraud"
	text, err := os.ReadFile(filepath.Join(example, "pipeline.yaml"))
	if err != nil {
		st.Fatal(err)
	}
	at := strings.Index(string(text), "\nmodel:\n")
	model, err := filepath.Abs(filepath.Join(example, "fraud.onnx"))
	if at < 0 || err != nil {
		st.Fatalf("the example has no model (%v)", err)
	}
	body := strings.ReplaceAll(string(text)[at:], "path: fraud.onnx", "path: "+model)
	body = strings.ReplaceAll(body, "  examples: golden.jsonl\n", "")
	delivery := "exactly_once"
	if st.atLeastOnce {
		delivery = "at_least_once"
	}
	return fmt.Sprintf(`name: %s
broker: {kafka: {bootstrap_servers: ["%s"]}}
source: {topic: %s, event_time: event_time, session_timeout: %s}
sink: {topic: %s}
dead_letter: {topic: %s}
delivery: %s
transaction_timeout: %s
workers: %d
listen: ""
`, st.name, st.broker.Addr(kafkatest.Plaintext), st.source(), st.sessionTimeout, st.sink(), st.dead(),
		delivery, st.transactionTimeout, st.members) + body
}

func (st *stage) client(opts ...kgo.Opt) *kgo.Client {
	st.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(st.broker.Addr(kafkatest.Plaintext)),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))...)
	if err != nil {
		st.Fatal(err)
	}
	return client
}

// open lists the members whose transactions are open.
func (st *stage) open() map[string]bool {
	ctx, cancel := context.WithTimeout(st.Context(), 5*time.Second)
	defer cancel()
	all, err := st.broker.Admin().ListTransactions(ctx, nil, []string{"Ongoing"})
	if err != nil {
		return nil // the broker is down
	}
	members := map[string]bool{}
	for id := range all {
		if member, ok := strings.CutPrefix(id, "penstock-"+st.name+"-"); ok {
			members[member] = true
		}
	}
	return members
}

// openOf tells whether one of the process's transactions is open.
func (st *stage) openOf(instance string) bool {
	for member := range st.open() {
		if strings.HasPrefix(member, instance+"-") {
			return true
		}
	}
	return false
}

// joined waits until the group has so many members and is at rest.
func (st *stage) joined(members int) {
	st.Helper()
	st.eventually(settleTime, fmt.Sprintf("%d members are in the group, at rest", members), func() bool {
		st.alive()
		g := st.group()
		return g.State == "Stable" && len(g.Members) == members
	})
}

// membersOf are those of a process, by their static names.
func (st *stage) membersOf(instance string) []string {
	var all []string
	for _, m := range st.group().Members {
		if m.InstanceID != nil && strings.HasPrefix(*m.InstanceID, st.name+"-"+instance+"-") {
			all = append(all, *m.InstanceID)
		}
	}
	return all
}

func (st *stage) group() kadm.DescribedGroup {
	ctx, cancel := context.WithTimeout(st.Context(), 5*time.Second)
	defer cancel()
	groups, err := st.broker.Admin().DescribeGroups(ctx, st.name)
	if err != nil {
		return kadm.DescribedGroup{} // the broker is down
	}
	return groups[st.name]
}

// eventually waits until done.
func (st *stage) eventually(limit time.Duration, what string, done func() bool) {
	st.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			st.Fatalf("not within %s: %s", limit, what)
		}
	}
}
