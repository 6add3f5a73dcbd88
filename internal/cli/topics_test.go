package cli_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const rightsOfP = `
RIGHTS
ok       --allow-principal 'User:ANONYMOUS' --operation Read --topic in
ok       --allow-principal 'User:ANONYMOUS' --operation Write --topic out
ok       --allow-principal 'User:ANONYMOUS' --operation Write --topic in.dead
ok       --allow-principal 'User:ANONYMOUS' --operation Read --operation Write --operation Create --topic p.state
ok       --allow-principal 'User:ANONYMOUS' --operation Read --group p
ok       --allow-principal 'User:ANONYMOUS' --operation Write --operation Describe --transactional-id penstock-p/ --resource-pattern-type prefixed
`

func TestTopics(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(3, "in"))
	config := streamConfig(t, c)
	r := run(t, "", "topics", config).want(t, 1, "penstock: missing: out, in.dead, p.state; penstock topics "+config+" --create makes them\n")
	if want := `TOPIC    IS            PARTITIONS  SETTINGS                                         STATE
in       source        3           cleanup.policy=delete max.message.bytes=1048588  ok
out      sink          as in       -                                                missing
in.dead  dead letters  as in       -                                                missing
p.state  state         1           cleanup.policy=compact                           missing

RIGHTS
`; !strings.HasPrefix(r.out, want) {
		t.Errorf("got\n%s\nwant\n%s", r.out, want)
	}

	r = run(t, "", "topics", config, "--create").want(t, 0, "created topic out\ncreated topic in.dead\ncreated topic p.state\n")
	if want := `TOPIC    IS            PARTITIONS  SETTINGS                                          STATE
in       source        3           cleanup.policy=delete max.message.bytes=1048588   ok
out      sink          3           cleanup.policy=delete max.message.bytes=1048588   ok
in.dead  dead letters  3           cleanup.policy=delete max.message.bytes=1048588   ok
p.state  state         1           cleanup.policy=compact max.message.bytes=1048588  ok
` + rightsOfP; r.out != want {
		t.Errorf("got\n%s\nwant\n%s", r.out, want)
	}
	again := run(t, "", "topics", config, "--create").want(t, 0)
	if again.out != r.out || again.err != "" {
		t.Errorf("a second --create is not idle:\n%s%s", again.out, again.err)
	}
}

// TestTopicsThatAreWrong checks what is a warning and what keeps the pipeline
// from running.
func TestTopicsThatAreWrong(t *testing.T) {
	c := startKafka(t, kfake.SeedTopics(3, "in", "in.dead"), kfake.SeedTopics(2, "out"))
	config := streamConfig(t, c)
	if err := c.CreateTopic("p.state", 2, nil); err != nil {
		t.Fatal(err)
	}
	run(t, "", "topics", config).want(t, 1,
		config+":1:7: p.state has cleanup.policy=delete, which would forget what a later start needs; set its cleanup.policy to compact\n",
		config+":1:7: p.state has 2 partitions, but must have 1; delete it while the pipeline is stopped; it is made again\n",
		config+":4:15: warning: out has 2 partitions, but source in has 3; predictions go to other partitions than their events; those of one key, and of one partition without keys, stay together\n",
		"penstock: topics are not as they must be")
}

// TestTopicsWithoutACluster checks that what to ask an administrator for is
// shown before there is anything to ask.
func TestTopicsWithoutACluster(t *testing.T) {
	c := startKafka(t)
	config := streamConfig(t, c)
	c.Close()
	r := run(t, "", "topics", config).want(t, 1, "no broker answers at 127.0.0.1:")
	if !strings.Contains(r.out, "p.state  state         1                     cleanup.policy=compact  unknown\n") ||
		!strings.Contains(r.out, "unknown  --allow-principal 'User:ANONYMOUS' --operation Read --group p\n") {
		t.Errorf("got\n%s", r.out)
	}
}

func allow(resource kmsg.ACLResourceType, name string, pattern kmsg.ACLResourcePatternType, op kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{Resource: resource, Name: name, Pattern: pattern, Operation: op, Allow: true}
}

// refuseLogins has the cluster answer a wrong password as Kafka does; by itself
// it hangs up.
func refuseLogins(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		resp.ErrorMessage = new("Authentication failed during authentication due to invalid credentials")
		return resp, nil, true
	})
}

// TestTopicsShowsMissingRights gives the user some of the rights.
func TestTopicsShowsMissingRights(t *testing.T) {
	const literal = kmsg.ACLResourcePatternTypeLiteral
	c := startKafka(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "in", "out", "in.dead", "p.state"),
		kfake.Superuser("SCRAM-SHA-256", "root", "secret"), kfake.User("SCRAM-SHA-256", "ann", "secret",
			allow(kmsg.ACLResourceTypeTopic, "in", literal, kmsg.ACLOperationRead),
			allow(kmsg.ACLResourceTypeTopic, "out", literal, kmsg.ACLOperationDescribe),
			allow(kmsg.ACLResourceTypeTopic, "p.state", literal, kmsg.ACLOperationAll),
			allow(kmsg.ACLResourceTypeGroup, "p", literal, kmsg.ACLOperationDescribe),
		))
	root := kadm.NewClient(newClient(t, c, kgo.SASL(scram.Auth{User: "root", Pass: "secret"}.AsSha256Mechanism())))
	if err := root.CommitAllOffsets(t.Context(), "p", kadm.OffsetsFromRecords(kgo.Record{Topic: "in"})); err != nil {
		t.Fatal(err) // a group that was never used tells no rights in kfake
	}
	login := []string{
		"--set", "broker.kafka.sasl.mechanism=scram-sha-256", "--set", "broker.kafka.sasl.username=ann", "--set", "broker.kafka.sasl.password=secret",
	}
	config := streamConfig(t, c)
	r := run(t, "", append([]string{"topics", config}, login...)...).want(t, 1, "the user lacks the rights that are marked missing")
	want := `
RIGHTS
ok       --allow-principal 'User:ann' --operation Read --topic in
missing  --allow-principal 'User:ann' --operation Write --topic out
missing  --allow-principal 'User:ann' --operation Write --topic in.dead
ok       --allow-principal 'User:ann' --operation Read --operation Write --operation Create --topic p.state
missing  --allow-principal 'User:ann' --operation Read --group p
missing  --allow-principal 'User:ann' --operation Write --operation Describe --transactional-id penstock-p/ --resource-pattern-type prefixed
`
	if _, rights, _ := strings.Cut(r.out, "\n\n"); "\n"+rights != want {
		t.Errorf("got\n%s\nwant\n%s", r.out, want)
	}
	refuseLogins(c)
	login[len(login)-1] = "broker.kafka.sasl.password=wrong"
	r = run(t, "", append([]string{"topics", config}, login...)...).want(t, 1, "SASL_AUTHENTICATION_FAILED", "the broker refused the login")
	if strings.Contains(r.err+r.out, "wrong") {
		t.Errorf("the password is shown: %s", r.err)
	}
}
