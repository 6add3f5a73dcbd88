package embedded

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"golang.org/x/crypto/bcrypt"
)

func usersFile(t *testing.T, mode os.FileMode, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // which the umask does not cut
		t.Fatal(err)
	}
	return file
}

// TestNATSUsers: who is in the file gets in by Listen and may do what stands
// there; others stay outside; this process needs no entry.
func TestNATSUsers(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	htpasswd := "$2y$" + string(hash[4:]) // what htpasswd calls the same
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	n := startNATS(t, NATSOptions{Listen: "0.0.0.0:0", UsersFile: usersFile(t, 0o644, `authorization {
		default_permissions: {publish: "open", subscribe: "_INBOX.>"}
		users: [
			{user: shop, password: "`+string(hash)+`", permissions: {publish: ["shop.>"], subscribe: ["_INBOX.>"]}}
			{user: scale, password: "`+htpasswd+`"}
			{nkey: `+public+`}
		]
	}`)})
	_, port, err := net.SplitHostPort(n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + port
	inside := subscribe(t, connect(t, "", n.Connect()), ">")
	for name, c := range map[string]struct {
		login   nats.Option
		subject string
	}{
		"bcrypt":   {nats.UserInfo("shop", "sesame"), "shop.1"},
		"htpasswd": {nats.UserInfo("scale", "sesame"), "open"},
		"nkey":     {nats.Nkey(public, key.Sign), "open"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, address, c.login, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
			for _, subject := range []string{"closed", c.subject} {
				if err := conn.Publish(subject, nil); err != nil {
					t.Fatal(err)
				}
			}
			if msg, err := inside.NextMsg(10 * time.Second); err != nil || msg.Subject != c.subject {
				t.Errorf("heard %v, %v; want what was published on %s", msg, err, c.subject)
			}
		})
	}
	for name, login := range map[string]nats.Option{
		"a wrong password": nats.UserInfo("shop", "guess"),
		"the hash":         nats.UserInfo("shop", string(hash)),
		"nobody":           func(*nats.Options) error { return nil },
	} {
		if conn, err := nats.Connect(address, login); err == nil {
			conn.Close()
			t.Errorf("%s gets in", name)
		} else if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUsersFileRefused: a file that is open to others, or that would not do what
// it says.
func TestUsersFileRefused(t *testing.T) {
	const plainUser = `authorization {users: [{user: a, password: b}]}`
	const hashed = `authorization {users: [{user: a, password: "$2a$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}`
	for name, c := range map[string]struct {
		mode os.FileMode
		text string
		want string // "": it is fine
	}{
		"private":                    {0o600, plainUser, ""},
		"for a group":                {0o640, plainUser, ""},
		"hashed and public":          {0o644, hashed, ""},
		"public":                     {0o644, plainUser, "everybody on this machine may read its passwords"},
		"for all to write":           {0o602, hashed, "everybody on this machine may write it"},
		"empty":                      {0o600, "", "it names nobody"},
		"no user":                    {0o600, "authorization {users: []}", "it names nobody"},
		"broken":                     {0o600, "authorization {", "users file "},
		"no name":                    {0o600, "authorization {users: [{pass: b}]}", "users file "},
		"another key":                {0o600, plainUser + "\nport: 4222", "port is none of its keys"},
		"another way to log in":      {0o600, "authorization {token: sesame}", "token is none of its keys"},
		"one user, not in the list":  {0o600, "authorization {user: a, password: b}", "is none of its keys"},
		"users beside authorization": {0o600, "users: [{user: a, password: b}]", "users file "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readUsers(usersFile(t, c.mode, c.text))
			switch {
			case runtime.GOOS == "windows" && c.mode != 0o600:
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			case err != nil && strings.Count(err.Error(), "users.conf") != 1:
				t.Errorf("it names the file not once: %v", err)
			}
		})
	}
}
