//go:build kafka || nats

package faults

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sourcePartitions are unlike what a sink has on a broker that divides sinks, so
// that keys and partitions mix.
const sourcePartitions = 8

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
	drift              bool     // is watched, as driftConfig has it
}

// stage is one pipeline with streams of its own.
type stage struct {
	*testing.T
	setting

	name   string
	dir    string // config, logs, events
	config string
	broker broker
	steady time.Duration // is long enough for a group to be at rest after a fault that passed

	workers []*process
}

func newStage(t *testing.T, on opener, s setting) *stage {
	t.Helper()
	s.members = cmp.Or(s.members, 2)
	s.sessionTimeout = cmp.Or(s.sessionTimeout, 6*time.Second)
	s.transactionTimeout = cmp.Or(s.transactionTimeout, time.Minute)
	st := &stage{
		T: t, setting: s, dir: t.TempDir(), steady: 2 * time.Second,
		name: fmt.Sprintf("%s-%d", strings.ToLower(filepath.Base(t.Name())), shared.stages.Add(1)),
	}
	st.broker = on(st)
	st.config = filepath.Join(st.dir, "pipeline.yaml")
	if err := os.WriteFile(st.config, []byte(st.yaml()), 0o600); err != nil {
		t.Fatal(err)
	}
	return st
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
	if st.drift {
		body += st.driftConfig()
	}
	return fmt.Sprintf("name: %s\n%sdelivery: %s\ntransaction_timeout: %s\nworkers: %d\nlisten: \"\"\n",
		st.name, st.broker.config(), delivery, st.transactionTimeout, st.members) + body
}

// joined waits until the group has so many members and is at rest.
func (st *stage) joined(members int) {
	st.Helper()
	st.eventually(settleTime, fmt.Sprintf("%d members are in the group, at rest", members), func() bool {
		st.alive()
		all, atRest := st.broker.members()
		return atRest && len(all) == members
	})
}

// membersOf are those of a process.
func (st *stage) membersOf(instance string) []string {
	all, _ := st.broker.members()
	var its []string
	for _, member := range all {
		if strings.HasPrefix(member, instance+"-") {
			its = append(its, member)
		}
	}
	return its
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
