//go:build kafka

package kafkatest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// trust is a TLS config that trusts the broker, with the client's certificate
// or without.
func trust(t *testing.T, b *Broker, shown bool) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(b.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{RootCAs: x509.NewCertPool()}
	if !cfg.RootCAs.AppendCertsFromPEM(ca) {
		t.Fatal("CAFile holds no certificate")
	}
	if shown {
		pair, err := tls.LoadX509KeyPair(b.CertFile, b.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg
}

// TestSecurity: every listener takes who it should, knows them by name, and
// nobody else. That it knows the name is seen by the ACL which lets User alone
// write.
func TestSecurity(t *testing.T) {
	t.Parallel()
	b := ForTest(t, Options{Authorize: true})
	ctx := t.Context()
	if err := b.CreateTopic(ctx, "guarded", 1); err != nil {
		t.Fatal(err)
	}
	acl := kadm.NewACLs().Allow("User:"+User).AllowHosts().Topics("guarded").
		ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpWrite, kadm.OpDescribe)
	if _, err := b.Admin().CreateACLs(ctx, acl); err != nil {
		t.Fatal(err)
	}
	right, wrong := scram.Auth{User: User, Pass: Password}, scram.Auth{User: User, Pass: "guess"}
	bearer := func(token string) sasl.Mechanism { return oauth.Auth{Token: token}.AsMechanism() }
	shown, bare := trust(t, b, true), trust(t, b, false)
	for name, c := range map[string]struct {
		to    Listener
		login sasl.Mechanism
		tls   *tls.Config
		ok    bool
	}{
		"nobody in particular":       {to: Plaintext, ok: true},
		"SCRAM-SHA-256":              {to: SASLPlaintext, login: right.AsSha256Mechanism(), ok: true},
		"SCRAM-SHA-512":              {to: SASLPlaintext, login: right.AsSha512Mechanism(), ok: true},
		"PLAIN":                      {to: SASLPlaintext, login: plain.Auth{User: User, Pass: Password}.AsMechanism(), ok: true},
		"OAUTHBEARER":                {to: SASLPlaintext, login: bearer(Token(time.Hour)), ok: true},
		"certificate":                {to: TLS, tls: shown, ok: true},
		"SCRAM-SHA-512 over TLS":     {to: SASLTLS, login: right.AsSha512Mechanism(), tls: bare, ok: true},
		"wrong SCRAM-SHA-256":        {to: SASLPlaintext, login: wrong.AsSha256Mechanism()},
		"wrong SCRAM-SHA-512":        {to: SASLPlaintext, login: wrong.AsSha512Mechanism()},
		"wrong PLAIN":                {to: SASLPlaintext, login: plain.Auth{User: User, Pass: "guess"}.AsMechanism()},
		"expired token":              {to: SASLPlaintext, login: bearer(Token(-time.Hour))},
		"no login":                   {to: SASLPlaintext},
		"no certificate":             {to: TLS, tls: bare},
		"wrong SCRAM-SHA-512 on TLS": {to: SASLTLS, login: wrong.AsSha512Mechanism(), tls: bare},
	} {
		t.Run(name, func(t *testing.T) {
			opts := []kgo.Opt{kgo.SeedBrokers(b.Addr(c.to)), kgo.DisableIdempotentWrite()}
			if c.login != nil {
				opts = append(opts, kgo.SASL(c.login))
			}
			if c.tls != nil {
				opts = append(opts, kgo.DialTLSConfig(c.tls))
			}
			limit := 30 * time.Second
			if !c.ok {
				limit = time.Second // some refusals look as if the broker might come back
			}
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			err := newClient(t, opts...).ProduceSync(ctx, &kgo.Record{Topic: "guarded", Value: []byte(name)}).FirstErr()
			if (err == nil) != c.ok {
				t.Errorf("produce: %v, want success %t", err, c.ok)
			}
		})
	}
}

// TestRightsMissing: with Authorize, who may log in may do nothing else until
// an ACL says so.
func TestRightsMissing(t *testing.T) {
	t.Parallel()
	b := ForTest(t, Options{Authorize: true})
	ctx := t.Context()
	if err := b.CreateTopic(ctx, "guarded", 1); err != nil {
		t.Fatal(err)
	}
	login := kgo.SASL(scram.Auth{User: User, Pass: Password}.AsSha512Mechanism())
	write := func() error {
		client := newClient(t, kgo.SeedBrokers(b.Addr(SASLPlaintext)), login, kgo.DisableIdempotentWrite())
		return client.ProduceSync(ctx, &kgo.Record{Topic: "guarded", Value: []byte("x")}).FirstErr()
	}
	if err := write(); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("without rights: %v, want %v", err, kerr.TopicAuthorizationFailed)
	}
	acl := kadm.NewACLs().Allow("User:"+User).AllowHosts().Topics("guarded").
		ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpWrite, kadm.OpDescribe)
	if _, err := b.Admin().CreateACLs(ctx, acl); err != nil {
		t.Fatal(err)
	}
	// The controller has the ACL; the broker follows it.
	err := write()
	for deadline := time.Now().Add(10 * time.Second); errors.Is(err, kerr.TopicAuthorizationFailed) && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		err = write()
	}
	if err != nil {
		t.Errorf("with rights: %v", err)
	}
}
