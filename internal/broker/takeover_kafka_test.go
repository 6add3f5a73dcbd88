//go:build kafka

package broker

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/penstock/penstock/internal/kafkatest"
)

// TestTakeoverWithRights ends a dead member's transaction under the rights that
// a pipeline gets, and leaves those of a group alone whose name begins with its
// own.
func TestTakeoverWithRights(t *testing.T) {
	b := kafkatest.ForTest(t, kafkatest.Options{Authorize: true})
	for _, topic := range []string{"in", "out", "in.dead", "fraud-out"} {
		if err := b.CreateTopic(t.Context(), topic, 2); err != nil {
			t.Fatal(err)
		}
	}
	user := func() *kadm.ACLBuilder { return kadm.NewACLs().Allow("User:" + kafkatest.User).AllowHosts() }
	for _, acl := range []*kadm.ACLBuilder{
		user().Topics("in").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral),
		user().Topics("out", "in.dead").Operations(kadm.OpWrite).ResourcePatternType(kadm.ACLPatternLiteral),
		user().Groups("card").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral),
		user().TransactionalIDs("penstock-card/").Operations(kadm.OpWrite, kadm.OpDescribe).ResourcePatternType(kadm.ACLPatternPrefixed),
	} {
		if _, err := b.Admin().CreateACLs(t.Context(), acl); err != nil {
			t.Fatal(err)
		}
	}
	everyone := kgo.SeedBrokers(b.Addr(kafkatest.Plaintext))
	openAs(t, NewLead("card-fraud", "a"), "card-fraud", "a", 0, false, everyone) // lives
	for id, topics := range map[string][]string{
		"penstock-card-fraud/a-0": {"fraud-out"}, "penstock-card-fraud/a-1": {"in.dead", "fraud-out"},
		"penstock-card/dead-0": {"out"},
	} {
		leaveOpen(t, []string{b.Addr(kafkatest.Plaintext)}, id, topics...)
	}
	login := kgo.SASL(scram.Auth{User: kafkatest.User, Pass: kafkatest.Password}.AsSha512Mechanism())
	openAs(t, NewLead("card", "a"), "card", "a", 0, true, login, kgo.SeedBrokers(b.Addr(kafkatest.SASLPlaintext)))
	client, err := kgo.NewClient(everyone)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if got, want := ongoing(t, client), []string{"penstock-card-fraud/a-0", "penstock-card-fraud/a-1"}; !slices.Equal(got, want) {
		t.Errorf("still open: %q, want %q", got, want)
	}
}
