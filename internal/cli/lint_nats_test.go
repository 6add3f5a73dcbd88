//go:build cgo

package cli_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestLintNATS(t *testing.T) {
	s := startNATS(t, "")
	config := natsConfig(t, s, "")
	r := lintLive(t, config).want(t, 2, config+":3:18: stream TX (source) is missing; penstock topics CONFIG --create makes it\n")
	if strings.Contains(r.err, "OWN") {
		t.Errorf("what the start makes is told as missing: %s", r.err)
	}
	if r := lintLive(t, config, "--set", "create_topics=true").want(t, 0); r.err != "" || r.out != config+": ok\n" {
		t.Errorf("what the start makes is told as missing: %s%s", r.out, r.err)
	}
	if _, err := jetStream(t, s).Stream(t.Context(), "OWN"); err == nil {
		t.Error("lint makes streams")
	}
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>", "scored.eu"}})
	lintLive(t, config).want(t, 2, config+`:4:30: scored.* belongs to the source: stream TX takes ["tx.>" "scored.eu"], and what the pipeline publishes would come back as events; give another sink.subject`+"\n")
	lintLive(t, config, "--set", "sink.subject=out").want(t, 0)
	lintLive(t, config, "--set", "sink.subject=out", "--set", "source.filter_subjects=[scored.ue]").
		want(t, 2, `filter "scored.ue" matches nothing: stream TX takes ["tx.>" "scored.eu"]; did you mean "scored.eu"?`)
	lintLive(t, config, "--set", "sink.subject=out", "--set", "source.session_timeout=1500ms").want(t, 2, "session_timeout must be whole seconds with NATS, which leases expire in, not 1.5s")
}

// TestLintNATSNeedsAServer tells a server that is away from a config that is
// wrong.
func TestLintNATSNeedsAServer(t *testing.T) {
	s := startNATS(t, users(`permissions: {publish: ["$JS.API.STREAM.>", "p.>"]}`)+"\nmax_payload: 4000")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}})
	config := natsConfig(t, s, asAnn)
	lintLive(t, config).want(t, 2,
		config+":3:18: the user may not publish to $JS.API.CONSUMER.CREATE.TX.>; grant it in the permissions of the user, as penstock topics CONFIG prints them\n",
		config+":4:16: the user may not publish to $JS.API.DIRECT.GET.OWN.>; ")
	lintLive(t, config, "--set", "broker.nats.password=hush-hush").
		want(t, 2, config+":2:10: connect to "+s.ClientURL()+": nats: Authorization Violation; the server refused the login")
	lintLive(t, config, "--set", "broker.nats.tls.ca=nowhere.pem").want(t, 2, "read broker.nats.tls.ca: open ", "nowhere.pem: no such file")
	lintLive(t, config, "--set", "broker.nats.user=root", "--set", "broker.nats.password=r").want(t, 0)
	addStream(t, s, jetstream.StreamConfig{Name: "OWN", Subjects: []string{"p.>", "scored.*"}})
	lintLive(t, config, "--set", "broker.nats.user=root", "--set", "broker.nats.password=r").
		want(t, 2, "OWN takes messages of at most 4000 bytes", "OWN has allow_atomic=false: it refuses epochs; set it to true")
	s.Shutdown()
	s.WaitForShutdown()
	lintLive(t, config).want(t, 1, "penstock: "+config+": connect to nats://127.0.0.1:", "no server answers")
}

func TestLintEmbedded(t *testing.T) {
	config := writeFile(t, "p.yaml", "name: p\nbroker: {embedded: {dir: nowhere}}\nsource: {stream: TX, filter_subjects: [tx]}\nsink: {stream: OWN}\nmodel: {path: m.onnx}\n")
	lintLive(t, config).want(t, 0, config+":2:10: warning: --live asks nothing of broker.embedded: the streams are made at the start")
	lintLive(t, config, "--set", "broker.embedded.users_file=nowhere.conf").want(t, 2, "read the users file: stat ", "nowhere.conf: no such file")
	lintLive(t, config, "--set", `broker.embedded.dir=""`).want(t, 2, "dir must name a folder")
}
