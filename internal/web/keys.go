package web

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
)

// role is what a key's holder may do.
type role string

const (
	roleViewer role = "viewer" // read everything but /debug
	roleAdmin  role = "admin"  // everything
)

// apiKey is one line of the file of keys. The key itself is nowhere: it is
// random, so that a plain hash of it is as good as a slow one.
type apiKey struct {
	name string
	hash [sha256.Size]byte
	role role
}

// keys are those of the file, and none, nil, where there is no file: then
// everybody may do everything.
type keys struct{ file *reloaded[[]apiKey] }

func openKeys(path string, log *slog.Logger) (*keys, error) {
	if path == "" {
		return nil, nil
	}
	file, err := openReloaded(log, func() ([]apiKey, error) { return readKeys(path) }, path)
	if err != nil {
		return nil, err
	}
	return &keys{file}, nil
}

func readKeys(path string) ([]apiKey, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []apiKey
	lines := bufio.NewScanner(file) // which limits a line to 64 KiB
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		for _, other := range all {
			if other.name == key.name || other.hash == key.hash {
				return nil, fmt.Errorf("%s:%d: the name %s or its key is there twice", path, n, key.name)
			}
		}
		all = append(all, key)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no keys; write lines such as NAME:SHA256 (docs/http.md tells how)", path)
	}
	return all, nil
}

// parseKey reads NAME:SHA256 or NAME:SHA256:ROLE. Its errors do not repeat the
// line: somebody may have written the key itself.
func parseKey(line string) (apiKey, error) {
	name, rest, ok := strings.Cut(line, ":")
	digits, roleName, given := strings.Cut(rest, ":")
	key := apiKey{name: strings.TrimSpace(name), role: roleViewer}
	if !ok || key.name == "" {
		return key, errors.New("a line must be NAME:SHA256 or NAME:SHA256:ROLE")
	}
	digits = strings.TrimSpace(digits)
	if n, err := hex.Decode(key.hash[:], []byte(digits[:min(len(digits), 2*sha256.Size)])); err != nil || n != sha256.Size || len(digits) != 2*sha256.Size {
		return key, fmt.Errorf("%s needs the SHA-256 of its key, 64 hex digits, as printf %%s \"$KEY\" | sha256sum prints it", key.name)
	}
	if given {
		key.role = role(strings.TrimSpace(roleName))
	}
	if key.role != roleViewer && key.role != roleAdmin {
		return key, fmt.Errorf("the role of %s must be viewer or admin", key.name)
	}
	return key, nil
}

// find gives the role of a key that a client has shown. It compares with all of
// them, each in constant time, so that its time tells nothing.
func (k *keys) find(shown string) (role, bool) {
	hash := sha256.Sum256([]byte(shown))
	var found role
	for _, key := range k.file.get() {
		if subtle.ConstantTimeCompare(hash[:], key.hash[:]) == 1 {
			found = key.role
		}
	}
	return found, found != ""
}

// require lets requests pass that show a key with the role.
func (k *keys) require(needed role, next http.Handler) http.Handler {
	if k == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		has, ok := k.find(strings.TrimSpace(shown))
		switch {
		case !ok || !strings.EqualFold(scheme, "Bearer"):
			w.Header().Set("WWW-Authenticate", `Bearer realm="penstock"`)
			http.Error(w, "this needs an API key that http.keys_file knows: Authorization: Bearer KEY", http.StatusUnauthorized)
		case needed == roleAdmin && has != roleAdmin:
			http.Error(w, "this needs an API key with the role admin", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
