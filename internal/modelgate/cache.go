package modelgate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// UserCacheDir is where a user's verdicts are kept by default:
// penstock/verdicts in the user's cache directory. It is "" where the system
// names no such directory.
func UserCacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "penstock", "verdicts")
}

// kept is a verdict as it stands in its file. Name is the file's own name: a
// file that was damaged or renamed does not say the same twice.
type kept struct {
	Name    string `json:"name"`
	Passed  bool   `json:"passed"`
	Refused string `json:"refused,omitempty"`
}

// verdictFile is the path of the verdict on a model, "" when none are kept.
// Its name holds everything that a verdict depends on.
func (g *Gate) verdictFile(m *Model, request []byte, l limits) string {
	if g.CacheDir == "" {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s/%s %s %s %d %d\n%s", runtime.GOOS, runtime.GOARCH, identity(g.Child[0]), identity(g.Library), l.Time, l.Memory, request)
	name := fmt.Sprintf("%s-%s-%s-%s.json", strings.TrimPrefix(m.Digest, "sha256:"), fileSafe(g.Runtime), fileSafe(g.Version), hex.EncodeToString(h.Sum(nil)[:8]))
	return filepath.Join(g.CacheDir, name)
}

// identity tells a program or library from the one that another build puts in
// its place, which may well have the same version: "dev".
func identity(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Sprintf("%q", path)
	}
	return fmt.Sprintf("%q %d %d", path, info.Size(), info.ModTime().UnixNano())
}

// fileSafe keeps a version's letters, digits, dots and hyphens.
func fileSafe(version string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '+' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, version)
}

// load reads a verdict. One that is missing or damaged is not there: the model
// is tried again.
func load(path string) (verdict, bool) {
	if path == "" {
		return verdict{}, false
	}
	f, err := os.Open(path)
	if err != nil {
		return verdict{}, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return verdict{}, false
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil || k.Name != filepath.Base(path) || k.Passed != (k.Refused == "") {
		return verdict{}, false
	}
	return verdict{Refused: k.Refused}, true
}

// save keeps the verdict at path, whole or not at all.
func (v verdict) save(path string) error {
	b, err := json.Marshal(kept{Name: filepath.Base(path), Passed: v.Refused == "", Refused: v.Refused})
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".verdict-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
