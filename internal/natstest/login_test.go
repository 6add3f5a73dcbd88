//go:build unix

package natstest

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// nobody is who has none of what logs in, but trusts the server.
func (s *Server) nobody() []nats.Option {
	if s.tls {
		return []nats.Option{nats.RootCAs(s.CAFile)}
	}
	return nil
}

// TestLogins: every way to log in takes User, with JetStream, and nobody else.
func TestLogins(t *testing.T) {
	for name, opts := range map[string]Options{
		"password":                {Login: ByPassword},
		"token":                   {Login: ByToken},
		"nkey":                    {Login: ByNKey},
		"creds":                   {Login: ByCreds},
		"client certificate":      {ClientTLS: true},
		"password, encrypted":     {Login: ByPassword, TLS: true},
		"creds and a certificate": {Login: ByCreds, ClientTLS: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := ForTest(t, opts)
			conn, err := s.Connect()
			create(t, JetStream(t, conn, err), "mine")
			stranger, err := nats.Connect(s.URL(), s.nobody()...)
			if err == nil {
				stranger.Close()
				t.Error("somebody who is nobody got in")
			}
			through, err := nats.Connect(s.ProxiedURL(), s.ClientOptions()...)
			if err != nil {
				t.Fatalf("through the proxy: %v", err)
			}
			through.Close()
		})
	}
}

// TestEncryptedOnly: with TLS alone who trusts the server needs no certificate,
// and who does not trust it stays outside.
func TestEncryptedOnly(t *testing.T) {
	s := ForTest(t, Options{TLS: true})
	conn, err := nats.Connect(s.URL(), s.nobody()...)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if conn, err := nats.Connect(s.URL()); err == nil {
		conn.Close()
		t.Error("a client trusts a server that nobody it knows has signed")
	}
}

// TestPermissions: what Permissions do not list is denied to User, and allowed
// to the admin.
func TestPermissions(t *testing.T) {
	for _, login := range []Login{ByPassword, ByNKey, ByCreds} {
		t.Run(string(login), func(t *testing.T) {
			s := ForTest(t, Options{Login: login, Permissions: &Permissions{Publish: []string{"$open.>", "also"}}})
			denied := make(chan error, 1)
			conn, err := s.Connect(nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err }))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			admin, err := s.Admin()
			if err != nil {
				t.Fatal(err)
			}
			defer admin.Close()
			heard, err := admin.SubscribeSync(">")
			if err == nil {
				err = admin.Flush()
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, subject := range []string{"closed", "$open.x"} {
				if err := conn.Publish(subject, nil); err != nil {
					t.Fatal(err)
				}
			}
			if msg, err := heard.NextMsg(10 * time.Second); err != nil || msg.Subject != "$open.x" {
				t.Errorf("heard %+v, %v; want what was published on $open.x", msg, err)
			}
			select {
			case err := <-denied:
				if !errors.Is(err, nats.ErrPermissionViolation) {
					t.Errorf("the denied one heard %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("nobody denied a publication on closed")
			}
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.SubscribeSync("also"); err != nil { // denied by an empty list
				t.Fatal(err)
			}
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-denied:
			case <-time.After(10 * time.Second):
				t.Error("nobody denied a subscription")
			}
		})
	}
	if s, err := Start(t.Context(), Options{Permissions: &Permissions{}}); err == nil {
		s.Close()
		t.Error("there are permissions, and nobody to have them")
	}
}

// TestCredentialsArePrivate: what logs in is readable by its owner alone.
func TestCredentialsArePrivate(t *testing.T) {
	s := ForTest(t, Options{Login: ByCreds, ClientTLS: true})
	for _, file := range []string{s.CredsFile, s.KeyFile, s.file(serverConfig)} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
}
