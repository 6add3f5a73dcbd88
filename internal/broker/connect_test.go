package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/config"
)

// ping connects as the config says, and asks one thing.
func ping(t *testing.T, k *config.Kafka, more ...kgo.Opt) error {
	t.Helper()
	options, err := ConnectOptions(k)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(append(options, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return client.Ping(ctx)
}

func startKafka(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestLogins logs in each way that there is.
func TestLogins(t *testing.T) {
	for _, m := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		c := startKafka(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(m), "ann", "open sesame"))
		k := &config.Kafka{BootstrapServers: c.ListenAddrs(), SASL: &config.SASL{Mechanism: m, Username: "ann", Password: "open sesame"}}
		if err := ping(t, k); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	if _, err := ConnectOptions(&config.Kafka{SASL: &config.SASL{Mechanism: "gssapi"}}); err == nil || !strings.Contains(err.Error(), "oauthbearer") {
		t.Errorf("got %v", err)
	}
}

// TestTokenIsReadAtEachLogin checks that a token which was replaced is shown.
func TestTokenIsReadAtEachLogin(t *testing.T) {
	file := writeText(t, "token", "first\n")
	m, err := mechanism(&config.SASL{Mechanism: "oauthbearer", TokenFile: file})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"first", "second"} {
		if err := os.WriteFile(string(file), []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, said, err := m.Authenticate(t.Context(), "")
		if err != nil || !bytes.Contains(said, []byte("Bearer "+token+"\x01")) {
			t.Errorf("said %q, %v", said, err)
		}
	}
	if err := os.Remove(string(file)); err != nil {
		t.Fatal(err)
	}
	_, _, err = m.Authenticate(t.Context(), "")
	if d := Diagnose(err); !errors.Is(err, fs.ErrNotExist) || d.Kind != Denied {
		t.Errorf("got %v, %s", err, d.Kind)
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	a := newAuthority(t, "a")
	cert, key := a.client("c")
	_, another := a.client("c")
	nowhere := config.Path("nowhere.pem")
	for _, tt := range []struct {
		k    config.Kafka
		want string
	}{
		{config.Kafka{TLS: &config.TLS{CA: nowhere}}, "read broker.kafka.tls.ca: open nowhere.pem"},
		{config.Kafka{TLS: &config.TLS{CA: key}}, "holds no PEM certificate; give the authority's certificate"},
		{config.Kafka{TLS: &config.TLS{Cert: nowhere, Key: key}}, "read broker.kafka.tls.cert and key: open nowhere.pem"},
		{config.Kafka{TLS: &config.TLS{Cert: cert, Key: another}}, "must be PEM files of one pair"},
		{config.Kafka{SASL: &config.SASL{Mechanism: "oauthbearer", TokenFile: nowhere}}, "read broker.kafka.sasl.token_file: "},
		{config.Kafka{SASL: &config.SASL{Mechanism: "oauthbearer", TokenFile: writeText(t, "t", " \n")}}, "is empty; it must hold the bearer token"},
		{config.Kafka{SASL: &config.SASL{Mechanism: "oauthbearer", TokenFile: writeText(t, "t", "a\x01b")}}, "holds more than one word"},
		{config.Kafka{SASL: &config.SASL{Mechanism: "oauthbearer", TokenFile: writeText(t, "t", strings.Repeat("a", maxTokenBytes+1))}}, "larger than 1 MiB"},
	} {
		if _, err := ConnectOptions(&tt.k); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestTLS connects in all the ways that are right and wrong, and checks what a
// person is told.
func TestTLS(t *testing.T) {
	a, stranger := newAuthority(t, "a"), newAuthority(t, "stranger")
	server := &tls.Config{Certificates: []tls.Certificate{a.server("broker.example", time.Time{})}}
	mutual := server.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
	expired := &tls.Config{Certificates: []tls.Certificate{a.server("broker.example", time.Now().Add(-time.Minute))}}
	ancient := server.Clone()
	ancient.MaxVersion = tls.VersionTLS11
	cert, key := a.client("ann")
	strangerCert, strangerKey := stranger.client("ann")
	for _, tt := range []struct {
		name   string
		server *tls.Config // nil: plaintext
		client *config.TLS
		kind   Kind
		hint   string // empty: it works
	}{
		{"encrypted", server, &config.TLS{CA: a.file, ServerName: "broker.example"}, 0, ""},
		{"both sides known", mutual, &config.TLS{CA: a.file, ServerName: "broker.example", Cert: cert, Key: key}, 0, ""},
		{"no such authority", server, &config.TLS{CA: stranger.file, ServerName: "broker.example"}, Denied, "broker.kafka.tls.ca"},
		{"the system's authorities", server, &config.TLS{ServerName: "broker.example"}, Denied, "broker.kafka.tls.ca"},
		{"another name", server, &config.TLS{CA: a.file}, Denied, "not for 127.0.0.1: give the name"},
		{"expired", expired, &config.TLS{CA: a.file, ServerName: "broker.example"}, Denied, "expired"},
		{"no certificate shown", mutual, &config.TLS{CA: a.file, ServerName: "broker.example"}, Denied, "client certificate"},
		{"a stranger's certificate", mutual, &config.TLS{CA: a.file, ServerName: "broker.example", Cert: strangerCert, Key: strangerKey}, Denied, "client certificate"},
		{"an old protocol", ancient, &config.TLS{CA: a.file, ServerName: "broker.example"}, Denied, "no TLS newer than 1.1"},
		{"plaintext to TLS", server, nil, Transient, "broker.kafka.tls"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var options []kfake.Opt
			if tt.server != nil {
				options = append(options, kfake.TLS(tt.server))
			}
			c := startKafka(t, options...)
			err := ping(t, &config.Kafka{BootstrapServers: c.ListenAddrs(), TLS: tt.client})
			d := Diagnose(err)
			if works := tt.hint == "" && tt.kind == 0; works != (err == nil) || err != nil && (d.Kind != tt.kind || !strings.Contains(d.Hint, tt.hint)) {
				t.Errorf("got %v: %s, %s", err, d.Kind, d.Hint)
			}
		})
	}
}

// TestTLSToPlaintext does to a listener without TLS what Kafka answers by
// hanging up.
func TestTLSToPlaintext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := c.Read(make([]byte, 1024)); err != nil {
				t.Error(err)
			}
			c.Close()
		}
	}()
	d := Diagnose(ping(t, &config.Kafka{BootstrapServers: []string{l.Addr().String()}, TLS: &config.TLS{}}))
	if d.Kind != Transient || !strings.Contains(d.Hint, "compare broker.kafka.tls") {
		t.Errorf("got %s, %s", d.Kind, d.Hint)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
}

// TestBrokerIsAway checks what a person is told of an address where nobody is.
func TestBrokerIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for server, hint := range map[string]string{
		address:                      "no broker answers at " + address,
		"no-such-host.invalid:12345": "the address of no-such-host.invalid is not found",
	} {
		d := Diagnose(ping(t, &config.Kafka{BootstrapServers: []string{server}}))
		if d.Kind != Transient || !strings.Contains(d.Hint, hint) {
			t.Errorf("%s: %s, %s", server, d.Kind, d.Hint)
		}
	}
}

// TestClientLogsWarningsOnly checks what of the client's lines reaches the log.
func TestClientLogsWarningsOnly(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	l.Log(kgo.LogLevelDebug, "wrote a request", "bytes", 1)
	l.Log(kgo.LogLevelInfo, "joined")
	l.Log(kgo.LogLevelWarn, "broker away", "err", "EOF")
	l.Log(kgo.LogLevelError, "broken")
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, `level=WARN msg="kafka: broker away" err=EOF`) || !strings.Contains(got, `level=WARN msg="kafka: broken"`) {
		t.Errorf("got %s", got)
	}
	quiet := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError})))
	if l.Level() != kgo.LogLevelWarn || quiet.Level() != kgo.LogLevelNone {
		t.Errorf("levels %s and %s", l.Level(), quiet.Level())
	}
}
