package broker

import (
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/penstock/penstock/internal/config"
)

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (key nkeys.KeyPair, public, seed string) {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err = key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, public, string(secret)
}

// operate has a server trust an operator with one account, and gives what makes
// a user's credentials file.
func operate(t *testing.T) (trust func(*server.Options), creds func(until time.Time) config.Path) {
	t.Helper()
	operator, operatorPublic, _ := newKey(t, nkeys.CreateOperator)
	account, accountPublic, _ := newKey(t, nkeys.CreateAccount)
	claims := jwt.NewAccountClaims(accountPublic)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1}
	accountJWT, err := claims.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	accounts := &server.MemAccResolver{}
	if err := accounts.Store(accountPublic, accountJWT); err != nil {
		t.Fatal(err)
	}
	trust = func(o *server.Options) {
		o.JetStream = false // which would want a system account
		o.TrustedKeys = []string{operatorPublic}
		o.AccountResolver = accounts
	}
	return trust, func(until time.Time) config.Path {
		_, public, seed := newKey(t, nkeys.CreateUser)
		user := jwt.NewUserClaims(public)
		if !until.IsZero() {
			user.Expires = until.Unix()
		}
		userJWT, err := user.Encode(account)
		if err != nil {
			t.Fatal(err)
		}
		text, err := jwt.FormatUserConfig(userJWT, []byte(seed))
		if err != nil {
			t.Fatal(err)
		}
		return writeText(t, "user.creds", string(text))
	}
}

// TestNATSLogins logs in each way that there is, and in each way wrongly, and
// checks that no secret is told.
func TestNATSLogins(t *testing.T) {
	_, public, seed := newKey(t, nkeys.CreateUser)
	_, _, stranger := newKey(t, nkeys.CreateUser)
	trust, creds := operate(t)
	expired := creds(time.Now().Add(-time.Hour))
	_, foreign := operate(t)
	for _, tt := range []struct {
		name         string
		server       func(*server.Options)
		right, wrong config.NATS
		hint         string
	}{
		{
			"password", func(o *server.Options) { o.Username, o.Password = "ann", "open sesame" },
			config.NATS{User: "ann", Password: "open sesame"},
			config.NATS{User: "ann", Password: "hush-hush"},
			"refused the login",
		},
		{
			"token", func(o *server.Options) { o.Authorization = "open sesame" },
			config.NATS{Token: "open sesame"},
			config.NATS{Token: "hush-hush"},
			"refused the login",
		},
		{
			"nkey", func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} },
			config.NATS{NKeySeed: config.Secret(" " + seed + "\n")},
			config.NATS{NKeySeed: config.Secret(stranger)},
			"refused the login",
		},
		{"no nkeys there", func(*server.Options) {}, config.NATS{}, config.NATS{NKeySeed: config.Secret(seed)}, "knows no NKeys"},
		{"creds", trust, config.NATS{Creds: creds(time.Time{})}, config.NATS{Creds: foreign(time.Time{})}, "refused the login"},
		{"expired creds", trust, config.NATS{Creds: creds(time.Time{})}, config.NATS{Creds: expired}, "whether it has expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startNATS(t, tt.server)
			tt.right.URL, tt.wrong.URL = s.ClientURL(), s.ClientURL()
			if _, err := connectNATS(t, &tt.right); err != nil {
				t.Errorf("the right one: %v", err)
			}
			_, err := connectNATS(t, &tt.wrong)
			d := Diagnose(err)
			if err == nil || d.Kind != Denied || !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("the wrong one: %v: %s, %s", err, d.Kind, d.Hint)
			}
			for _, secret := range []string{"hush", seed, stranger} {
				if err != nil && strings.Contains(err.Error()+d.Hint, secret) {
					t.Errorf("a secret is told: %v", err)
				}
			}
		})
	}
}

func TestNATSFilesThatAreWrong(t *testing.T) {
	_, _, account := newKey(t, nkeys.CreateAccount)
	nowhere := config.Path("nowhere.creds")
	_, creds := operate(t)
	jwtOnly, err := os.ReadFile(string(creds(time.Time{})))
	if err != nil {
		t.Fatal(err)
	}
	cut, _, _ := strings.Cut(string(jwtOnly), "*****")
	for _, tt := range []struct {
		n    config.NATS
		want string
	}{
		{config.NATS{TLS: &config.TLS{CA: nowhere}}, "read broker.nats.tls.ca: open nowhere.creds"},
		{config.NATS{TLS: &config.TLS{Cert: nowhere, Key: nowhere}}, "read broker.nats.tls.cert and key: open nowhere.creds"},
		{config.NATS{Creds: nowhere}, "read broker.nats.creds: open nowhere.creds"},
		{config.NATS{Creds: writeText(t, "c", "hush")}, "must be a credentials file, as nsc makes them"},
		{config.NATS{Creds: writeText(t, "c", cut)}, "must be a credentials file, as nsc makes them"},
		{config.NATS{NKeySeed: "hush"}, "is no NKey seed"},
		{config.NATS{NKeySeed: config.Secret(account)}, "is not a user's"},
	} {
		_, err := NATSOptions(&tt.n)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), account) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestNATSTLS connects in all the ways that are right and wrong, and checks
// what a person is told.
func TestNATSTLS(t *testing.T) {
	a, stranger := newAuthority(t, "a"), newAuthority(t, "stranger")
	encrypted := &tls.Config{Certificates: []tls.Certificate{a.server("broker.example", time.Time{})}}
	mutual := encrypted.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
	expired := &tls.Config{Certificates: []tls.Certificate{a.server("broker.example", time.Now().Add(-time.Minute))}}
	cert, key := a.client("ann")
	strangerCert, strangerKey := stranger.client("ann")
	for _, tt := range []struct {
		name   string
		server *tls.Config // nil: plaintext
		client *config.TLS
		hint   string // empty: it works
	}{
		{"encrypted", encrypted, &config.TLS{CA: a.file, ServerName: "broker.example"}, ""},
		{"both sides known", mutual, &config.TLS{CA: a.file, ServerName: "broker.example", Cert: cert, Key: key}, ""},
		{"no such authority", encrypted, &config.TLS{CA: stranger.file, ServerName: "broker.example"}, "give the authority's as broker.nats.tls.ca"},
		{"the system's authorities", encrypted, &config.TLS{ServerName: "broker.example"}, "give the authority's as broker.nats.tls.ca"},
		{"plaintext to TLS", encrypted, nil, "as broker.nats.tls.server_name"}, // the client does as the server wants
		{"another name", encrypted, &config.TLS{CA: a.file}, "as broker.nats.tls.server_name"},
		{"expired", expired, &config.TLS{CA: a.file, ServerName: "broker.example"}, "expired"},
		{"no certificate shown", mutual, &config.TLS{CA: a.file, ServerName: "broker.example"}, "broker.nats.tls.cert and key"},
		{"a stranger's certificate", mutual, &config.TLS{CA: a.file, ServerName: "broker.example", Cert: strangerCert, Key: strangerKey}, "broker.nats.tls.cert and key"},
		{"TLS to plaintext", nil, &config.TLS{}, "take broker.nats.tls away"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startNATS(t, func(o *server.Options) {
				o.TLSConfig, o.TLS, o.TLSTimeout = tt.server, tt.server != nil, 5
			})
			_, err := connectNATS(t, &config.NATS{URL: "nats://" + s.Addr().String(), TLS: tt.client})
			d := Diagnose(err)
			if works := tt.hint == ""; works != (err == nil) || err != nil && (d.Kind != Denied || !strings.Contains(d.Hint, tt.hint)) {
				t.Errorf("got %v: %s, %s", err, d.Kind, d.Hint)
			}
		})
	}
}

// TestNATSIsAway checks what a person is told of an address where nobody is.
func TestNATSIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for url, hint := range map[string]string{
		"nats://" + address:             "is its address in broker.nats.url?",
		"nats://no-such-host.invalid:1": "the address of no-such-host.invalid is not found: check broker.nats.url",
	} {
		_, err := connectNATS(t, &config.NATS{URL: url})
		d := Diagnose(err)
		if d.Kind != Transient || !strings.Contains(d.Hint, hint) || !strings.Contains(err.Error(), "connect to "+url) {
			t.Errorf("%v: %s, %s", err, d.Kind, d.Hint)
		}
	}
}

// TestNATSBuffersNothing: what is published while the server is away fails, and
// the connection comes back by itself.
func TestNATSBuffersNothing(t *testing.T) {
	s := startNATS(t)
	port := s.Addr().(*net.TCPAddr).Port
	l := &NATSLiveness{}
	options, err := NATSOptions(&config.NATS{URL: s.ClientURL() + ", nats://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect("", append(options, l.Options(time.Second)...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	changes := conn.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
	s.Shutdown()
	await(t, changes, nats.RECONNECTING)
	if d := Diagnose(conn.Publish("a", nil)); d.Kind != Transient || !strings.Contains(d.Hint, "broke off") {
		t.Errorf("a publish gives %s, %s", d.Kind, d.Hint)
	}
	startNATS(t, func(o *server.Options) { o.Port = port })
	await(t, changes, nats.CONNECTED)
	if err := conn.Publish("a", nil); err != nil {
		t.Error(err)
	}
}

func await(t *testing.T, changes <-chan nats.Status, want nats.Status) {
	t.Helper()
	for {
		select {
		case got := <-changes:
			if got == want {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("it is not %s in time", want)
		}
	}
}
