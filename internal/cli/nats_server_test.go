package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/embedded"
	"github.com/penstock/penstock/internal/natstest"
)

// startNATS starts a server with JetStream within this process; configuration is
// what else its file would say.
func startNATS(t *testing.T, configuration string) *server.Server {
	t.Helper()
	return natstest.InProcess(t, natstest.Configured(t, "server_name: test\n"+configuration))
}

// natsConfig writes the config of a pipeline called p, from TX to OWN, with more
// of the broker and more lines at its end.
func natsConfig(t *testing.T, s *server.Server, login string, more ...string) string {
	t.Helper()
	return writeFile(t, "p.yaml", fmt.Sprintf(`name: p
broker: {nats: {url: "%s"%s}}
source: {stream: TX, filter_subjects: ["tx.*"]}
sink: {stream: OWN, subject: "scored.{{wildcard(1)}}"}
model: {path: m.onnx}
%s
`, s.ClientURL(), login, strings.Join(more, "\n")))
}

// jetStream connects as root where there are users.
func jetStream(t *testing.T, s *server.Server) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL(), nats.UserInfo("root", "r"))
	return natstest.JetStream(t, conn, err)
}

func addStream(t *testing.T, s *server.Server, c jetstream.StreamConfig) {
	t.Helper()
	if _, err := jetStream(t, s).CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// openDir starts the server of a folder, as a pipeline's process does.
func openDir(t *testing.T, dir string) *embedded.NATS {
	t.Helper()
	s, err := embedded.StartNATS(embedded.NATSOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func within(t *testing.T, s *embedded.NATS) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect("", s.Connect())
	return natstest.JetStream(t, conn, err)
}

// messagesOf are all messages of a stream's subjects, in order.
func messagesOf(t *testing.T, js jetstream.JetStream, stream, filter string) []jetstream.Msg {
	t.Helper()
	c, err := js.OrderedConsumer(t.Context(), stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []jetstream.Msg
	if info.NumPending == 0 {
		return nil
	}
	messages, err := c.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for range info.NumPending {
		m, err := messages.Next(jetstream.NextMaxWait(10 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}
