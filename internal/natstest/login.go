//go:build unix

package natstest

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Login is a way to log in.
type Login string

// The ways to log in.
const (
	// Anyone needs no login.
	Anyone Login = ""
	// ByPassword wants User and Password.
	ByPassword Login = "password"
	// ByToken wants Token.
	ByToken Login = "token"
	// ByNKey wants the seed Credentials.NKeySeed.
	ByNKey Login = "nkey"
	// ByCreds wants the file Credentials.CredsFile, which an operator's account
	// has signed: JWTs.
	ByCreds Login = "creds"
)

// What clients log in with.
const (
	User     = "penstock"
	Password = "sesame-7"
	Token    = "sesame-8"
)

// Credentials are what User logs in with, by Options.Login; the others are
// empty.
type Credentials struct {
	User, Password, Token string
	NKeySeed              string
	CredsFile             string
}

// Permissions are subjects; what is not listed is denied.
type Permissions struct {
	Publish, Subscribe []string
}

// options log User in.
func (c *Credentials) options() []nats.Option {
	switch {
	case c.User != "":
		return []nats.Option{nats.UserInfo(c.User, c.Password)}
	case c.Token != "":
		return []nats.Option{nats.Token(c.Token)}
	case c.CredsFile != "":
		return []nats.Option{nats.UserCredentials(c.CredsFile)}
	case c.NKeySeed != "":
		return []nats.Option{withSeed(c.NKeySeed)}
	}
	return nil
}

// withSeed logs in with an nkey's seed, as nats.NkeyOptionFromSeed does from a
// file.
func withSeed(seed string) nats.Option {
	return func(o *nats.Options) error {
		pair, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			return err
		}
		public, err := pair.PublicKey()
		if err != nil {
			return err
		}
		return nats.Nkey(public, pair.Sign)(o)
	}
}

// The one who may do everything.
const admin, adminPassword = "admin", "sesame-9"

// login makes what clients log in with, and gives the configuration for it.
func (s *Server) login(opts Options) (string, error) {
	if opts.Permissions != nil && (opts.Login == Anyone || opts.Login == ByToken) {
		return "", errors.New("permissions are a user's: log in by password, nkey or creds")
	}
	permissions := opts.Permissions.config()
	const users = `authorization { users: [ {user: %q, password: %q}, {%s%s} ] }` + "\n"
	switch opts.Login {
	case Anyone:
		return "", nil
	case ByToken:
		s.Token = Token
		s.admin = s.options()
		return fmt.Sprintf("authorization { token: %q }\n", Token), nil
	case ByPassword:
		s.User, s.Password = User, Password
		s.admin = []nats.Option{nats.UserInfo(admin, adminPassword)}
		return fmt.Sprintf(users, admin, adminPassword, fmt.Sprintf("user: %q, password: %q", User, Password), permissions), nil
	case ByNKey:
		seed, public, err := newKey(nkeys.PrefixByteUser)
		if err != nil {
			return "", err
		}
		s.NKeySeed = seed
		s.admin = []nats.Option{nats.UserInfo(admin, adminPassword)}
		return fmt.Sprintf(users, admin, adminPassword, "nkey: "+public, permissions), nil
	case ByCreds:
		return s.operator(opts.Permissions)
	}
	return "", fmt.Errorf("there is no login %q", opts.Login)
}

// config is what permissions are in nats.conf, after a user's other keys.
func (p *Permissions) config() string {
	if p == nil {
		return ""
	}
	var text strings.Builder
	for _, side := range []struct {
		name     string
		subjects []string
	}{{"publish", p.Publish}, {"subscribe", p.Subscribe}} {
		allow, deny := allowed(side.subjects)
		fmt.Fprintf(&text, "%s: {allow: %s, deny: %s}, ", side.name, list(allow), list(deny))
	}
	return ", permissions: {" + text.String() + "}"
}

// list is subjects in nats.conf, quoted: $JS would be a variable.
func list(subjects []string) string {
	if len(subjects) == 0 {
		return "[]"
	}
	return `["` + strings.Join(subjects, `", "`) + `"]`
}

// allowed is how nats-server has what is allowed. None at all has to be said the
// other way round, since an empty list allows everything.
func allowed(subjects []string) (allow, deny []string) {
	if len(subjects) == 0 {
		return nil, []string{">"}
	}
	return subjects, nil
}

func newKey(kind nkeys.PrefixByte) (seed, public string, err error) {
	pair, err := nkeys.CreatePair(kind)
	if err != nil {
		return "", "", err
	}
	text, err := pair.Seed()
	if err != nil {
		return "", "", err
	}
	public, err = pair.PublicKey()
	return string(text), public, err
}

// operator makes an operator with an account for the system and one with
// JetStream, whose users are User and the admin, and writes their creds files.
func (s *Server) operator(permissions *Permissions) (string, error) {
	operator, err := nkeys.CreateOperator()
	if err != nil {
		return "", err
	}
	system, systemJWT, err := newAccount(operator, "SYS", false)
	if err != nil {
		return "", err
	}
	account, accountJWT, err := newAccount(operator, "APP", true)
	if err != nil {
		return "", err
	}
	public, err := operator.PublicKey()
	if err != nil {
		return "", err
	}
	claims := jwt.NewOperatorClaims(public)
	claims.Name = "the operator of natstest"
	if claims.SystemAccount, err = system.PublicKey(); err != nil {
		return "", err
	}
	operatorJWT, err := claims.Encode(operator)
	if err != nil {
		return "", err
	}
	appKey, err := account.PublicKey()
	if err != nil {
		return "", err
	}
	s.CredsFile = s.file("user.creds")
	adminFile := s.file("admin.creds")
	if err := errors.Join(writeCreds(s.CredsFile, User, account, permissions), writeCreds(adminFile, admin, account, nil)); err != nil {
		return "", err
	}
	s.admin = []nats.Option{nats.UserCredentials(adminFile)}
	return fmt.Sprintf("operator: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n  %s: %s\n}\n",
		operatorJWT, claims.SystemAccount, systemJWT, appKey, accountJWT), nil
}

// newAccount makes an account and the operator's word on it.
func newAccount(operator nkeys.KeyPair, name string, jetStream bool) (nkeys.KeyPair, string, error) {
	account, err := nkeys.CreateAccount()
	if err != nil {
		return nil, "", err
	}
	public, err := account.PublicKey()
	if err != nil {
		return nil, "", err
	}
	claims := jwt.NewAccountClaims(public)
	claims.Name = name
	if jetStream {
		claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	}
	signed, err := claims.Encode(operator)
	return account, signed, err
}

// writeCreds makes a user and writes what it logs in with to a file.
func writeCreds(file, name string, account nkeys.KeyPair, permissions *Permissions) error {
	seed, public, err := newKey(nkeys.PrefixByteUser)
	if err != nil {
		return err
	}
	claims := jwt.NewUserClaims(public)
	claims.Name = name
	if permissions != nil {
		claims.Pub.Allow, claims.Pub.Deny = allowed(permissions.Publish)
		claims.Sub.Allow, claims.Sub.Deny = allowed(permissions.Subscribe)
	}
	signed, err := claims.Encode(account)
	if err != nil {
		return err
	}
	creds, err := jwt.FormatUserConfig(signed, []byte(seed))
	if err != nil {
		return err
	}
	return os.WriteFile(file, creds, 0o600)
}
