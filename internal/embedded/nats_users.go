package embedded

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/conf"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// users are who may connect; none at all lets everybody in. Where there are any,
// this process is one of them, with every right and a key that nobody else knows
// and nothing keeps.
type users struct {
	byPassword []*server.User
	byKey      []*server.NkeyUser
	self       nats.Option // logs this process in
}

// admit adds this process.
func (u *users) admit() error {
	key, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	public, err := key.PublicKey()
	if err != nil {
		return err
	}
	u.byKey = append(u.byKey, &server.NkeyUser{Nkey: public})
	u.self = nats.Nkey(public, key.Sign)
	return nil
}

// readUsers reads a users file: the block authorization of nats-server's own
// configuration, with users and what they may do, and nothing else.
//
//	authorization {
//	  users: [
//	    # nats server passwd, or htpasswd -nB, makes the password
//	    {user: shop, password: "$2a$11$…", permissions: {publish: ["transactions.>"], subscribe: ["_INBOX.>"]}}
//	    # nk -gen user makes a key, of which only the public part stands here
//	    {nkey: UBGL…}
//	  ]
//	}
//
// A file that others may write is refused, and one that others may read when a
// password stands in it as it is.
func readUsers(file string) (*users, error) {
	if file == "" {
		return &users{self: func(*nats.Options) error { return nil }}, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read the users file: %w", err)
	}
	if err := onlyUsers(file); err != nil {
		return nil, fmt.Errorf("users file %s: %w", file, err)
	}
	config, err := server.ProcessConfigFile(file)
	if err != nil {
		return nil, fmt.Errorf("users file %s", strings.TrimSpace(err.Error())) // it begins with the file's name
	}
	u := &users{byPassword: config.Users, byKey: config.Nkeys}
	if len(u.byPassword)+len(u.byKey) == 0 {
		return nil, fmt.Errorf("users file %s: it names nobody", file)
	}
	if err := u.private(info.Mode()); err != nil {
		return nil, fmt.Errorf("users file %s: %w", file, err)
	}
	return u, u.admit()
}

// CheckUsers tells why a server would not start with this users file.
func CheckUsers(file string) error {
	_, err := readUsers(file)
	return err
}

// private refuses a file that is open to everybody on this machine.
func (u *users) private(mode os.FileMode) error {
	const othersRead, othersWrite = 0o004, 0o002
	switch {
	case runtime.GOOS == "windows": // its permissions are not in the mode
		return nil
	case mode&othersWrite != 0:
		return errors.New("everybody on this machine may write it: chmod o-w")
	case mode&othersRead != 0 && slices.ContainsFunc(u.byPassword, plain):
		return errors.New("everybody on this machine may read its passwords: chmod o-r, or keep them hashed by bcrypt")
	}
	return nil
}

// bcrypted is what nats-server takes for a hash.
var bcrypted = regexp.MustCompile(`^\$2[abxy]\$\d{2}\$.`)

func plain(u *server.User) bool { return !bcrypted.MatchString(u.Password) }

// onlyUsers refuses what a server's configuration may hold beside users:
// heeded or not, it would not do what it says.
func onlyUsers(file string) error {
	keys, err := conf.ParseFile(file)
	if err != nil {
		return err
	}
	authorization, _ := keys["authorization"].(map[string]any)
	for _, key := range slices.Concat(slices.Collect(maps.Keys(keys)), slices.Collect(maps.Keys(authorization))) {
		if !slices.Contains([]string{"authorization", "users", "default_permissions"}, key) {
			return fmt.Errorf("%s is none of its keys: it holds authorization {users: [...]} and no more", key)
		}
	}
	return nil
}
