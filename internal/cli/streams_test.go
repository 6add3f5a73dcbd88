package cli_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

const permissionsOfP = `
PERMISSIONS
permissions: {
  publish: [
    "$JS.API.STREAM.NAMES"                           # ok
    "$JS.API.STREAM.CREATE.OWN"                      # ok
    "$JS.API.STREAM.INFO.OWN"                        # ok
    "$JS.API.STREAM.PURGE.OWN"                       # ok
    "$JS.API.DIRECT.GET.OWN.>"                       # ok
    "$JS.API.CONSUMER.CREATE.OWN.>"                  # ok
    "$JS.API.CONSUMER.MSG.NEXT.OWN.*"                # ok
    "$JS.API.CONSUMER.DELETE.OWN.*"                  # ok
    "$JS.API.CONSUMER.INFO.OWN.*"                    # ok
    "$JS.API.STREAM.INFO.TX"                         # ok
    "$JS.API.STREAM.MSG.GET.TX"                      # ok
    "$JS.API.CONSUMER.CREATE.TX.>"                   # ok
    "$JS.API.CONSUMER.MSG.NEXT.TX.*"                 # ok
    "$JS.API.CONSUMER.DELETE.TX.*"                   # ok
    "$JS.API.CONSUMER.INFO.TX.*"                     # ok
    "p.>"                                            # ok
    "scored.*"                                       # unknown
  ]
  subscribe: [
    "_INBOX.>"                                       # ok
  ]
}
`

const ownSettings = "discard=new allow_atomic allow_rollup_hdrs allow_msg_ttl allow_direct\n"

// TestStreams shows the streams and makes them.
func TestStreams(t *testing.T) {
	s := startNATS(t, "")
	config := natsConfig(t, s, "")
	r := run(t, "", "topics", config).want(t, 1, "penstock: missing: TX, OWN; penstock topics "+config+" --create makes them\n")
	if want := `STREAM  IS                  STATE    SUBJECTS      SETTINGS
TX      source              missing  tx.*          retention=limits storage=file
OWN     the pipeline's own  missing  p.> scored.*  retention=limits storage=file ` + ownSettings + permissionsOfP; r.out != want {
		t.Errorf("got\n%s\nwant\n%s", r.out, want)
	}
	r = run(t, "", "topics", config, "--create").want(t, 0, "created stream TX\ncreated stream OWN\n")
	if !strings.Contains(r.out, "ok     p.> scored.*  retention=limits storage=file num_replicas=1 "+strings.Replace(ownSettings, " allow", " duplicate_window=2m0s allow", 1)+permissionsOfP) {
		t.Errorf("got\n%s", r.out)
	}
	again := run(t, "", "topics", config, "--create").want(t, 0)
	if again.out != r.out || again.err != "" {
		t.Errorf("a second --create is not idle:\n%s%s", again.out, again.err)
	}
}

func TestStreamsThatAreWrong(t *testing.T) {
	s := startNATS(t, "")
	addStream(t, s, jetstream.StreamConfig{Name: "TX", Subjects: []string{"tx.>"}, Retention: jetstream.WorkQueuePolicy})
	addStream(t, s, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"scored.eu"}})
	config := natsConfig(t, s, "")
	run(t, "", "topics", config).want(t, 1,
		config+":3:18: TX has retention=workqueue: exactly once acknowledges no event",
		config+":4:30: scored.* belongs to another stream, OTHER; give another sink.subject\n",
		"penstock: missing: OWN; penstock topics "+config+" --create makes them\n",
		"streams are not as they must be")
	run(t, "", "topics", config, "--create").want(t, 1, "create stream OWN: ", "another stream takes some of the subjects")
}

// TestStreamsWithoutAServer checks that what to ask an administrator for is
// shown before there is anything to ask.
func TestStreamsWithoutAServer(t *testing.T) {
	s := startNATS(t, "")
	config := natsConfig(t, s, "", "delivery: at_least_once", "create_topics: true")
	s.Shutdown()
	s.WaitForShutdown()
	r := run(t, "", "topics", config).want(t, 1, "penstock: connect to "+s.ClientURL(), "no server answers")
	for _, line := range []string{
		"OWN     the pipeline's own  unknown  p.> scored.*  retention=limits storage=file",
		`    "$JS.API.STREAM.CREATE.TX"                       # unknown` + "\n",
		`    "$JS.API.CONSUMER.RESET.TX.*"                    # unknown` + "\n",
		`    "$JS.ACK.TX.>"                                   # unknown` + "\n",
	} {
		if !strings.Contains(r.out, line) {
			t.Errorf("no %q in\n%s", line, r.out)
		}
	}
}

func TestStreamsOfAnEmbeddedServer(t *testing.T) {
	config := writeFile(t, "p.yaml", "name: p\nbroker: {embedded: {dir: nowhere}}\nsource: {stream: TX, filter_subjects: [tx]}\nsink: {stream: OWN}\nmodel: {path: m.onnx}\n")
	for range 2 {
		r := run(t, "", "topics", config, "--create").want(t, 0, "broker.embedded is not asked: the streams are made at the start")
		if !strings.Contains(r.out, "OWN     the pipeline's own  made at the start  p.>       retention=limits") || strings.Count(r.out, "  made at the start  ") != 2 || strings.Contains(r.out, "PERMISSIONS") {
			t.Errorf("got\n%s", r.out)
		}
	}
}

// users is the configuration of a server with root and with ann, who has the
// permissions.
func users(permissions string) string {
	return `authorization: {users: [{user: root, password: r}, {user: ann, password: hush, ` + permissions + `}]}`
}

const asAnn = ", user: ann, password: hush"

// printedPermissions are those that a person would copy.
func printedPermissions(t *testing.T, config string) string {
	t.Helper()
	_, permissions, ok := strings.Cut(run(t, "", "topics", config).out, "\nPERMISSIONS\n")
	if !ok {
		t.Fatal("no permissions are printed")
	}
	return permissions
}

// TestPrintedPermissionsSuffice has a user with the permissions as they are
// printed make the streams; without one of them it says which.
func TestPrintedPermissionsSuffice(t *testing.T) {
	for _, delivery := range []string{"exactly_once", "at_least_once"} {
		more := []string{"delivery: " + delivery, "create_topics: true"}
		printed := printedPermissions(t, natsConfig(t, startNATS(t, ""), "", more...))
		s := startNATS(t, users(printed))
		r := run(t, "", "topics", natsConfig(t, s, asAnn, more...), "--create").want(t, 0, "created stream TX\ncreated stream OWN\n")
		if strings.Contains(r.out, "missing") || strings.Count(r.out, "# unknown") != 1 {
			t.Errorf("%s: got\n%s", delivery, r.out)
		}
		for line := range strings.Lines(printed) {
			subject, _, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok || !strings.Contains(line, "# ok") || strings.Contains(line, "_INBOX") {
				continue
			}
			s := startNATS(t, users(strings.Replace(printed, line, "", 1)))
			r := run(t, "", "topics", natsConfig(t, s, asAnn, more...), "--create").want(t, 1)
			if !strings.Contains(r.out, line[:len(line)-len("ok\n")]+"missing\n") || strings.Count(r.out, "# missing") != 1 {
				t.Errorf("%s, without %s: got\n%s", delivery, subject, r.out)
			}
		}
	}
}

// TestStreamsOfARefusedUser names what is refused, and keeps the password.
func TestStreamsOfARefusedUser(t *testing.T) {
	s := startNATS(t, users(`permissions: {publish: "nothing", subscribe: "nothing"}`))
	r := run(t, "", "topics", natsConfig(t, s, asAnn)).want(t, 1, `the user may not subscribe to _INBOX.`)
	if !strings.Contains(r.out, `"_INBOX.>"                                       # missing`) || !strings.Contains(r.out, `"p.>"                                            # missing`) {
		t.Errorf("got\n%s", r.out)
	}
	r = run(t, "", "topics", natsConfig(t, s, ", user: ann, password: hush-hush")).want(t, 1, "Authorization Violation; the server refused the login")
	if strings.Contains(r.err+r.out, "hush") {
		t.Errorf("the password is shown: %s%s", r.err, r.out)
	}
	run(t, "", "topics", natsConfig(t, s, ", nkey_seed: hush")).want(t, 2, "broker.nats.nkey_seed is no NKey seed")
}
