//go:build linux

package modelgate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tries has a gate try a model several times and gives how often it really did.
func tries(t *testing.T, g *Gate, m *Model, log string, times int) int {
	t.Helper()
	for range times {
		if err := g.Try(t.Context(), m, []byte(log)); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Count(readFileOr(log)+"\n", "tried\n")
}

func logged(t *testing.T) (*Gate, *Model, string) {
	t.Helper()
	g := gate("log")
	g.CacheDir = filepath.Join(t.TempDir(), "penstock", "verdicts")
	return g, &Model{Bytes: []byte("m"), Digest: "sha256:abc"}, filepath.Join(t.TempDir(), "log")
}

func only(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files in the cache: %v", len(entries), err)
	}
	return filepath.Join(dir, entries[0].Name())
}

func TestVerdictIsKept(t *testing.T) {
	g, m, log := logged(t)
	if n := tries(t, g, m, log, 3); n != 1 {
		t.Errorf("tried %d times, want once", n)
	}
	if name := filepath.Base(only(t, g.CacheDir)); !strings.HasPrefix(name, "abc-1.31.1-0.1.0-") {
		t.Errorf("the verdict is called %s", name)
	}
}

func TestVerdictHoldsForWhatItWasFoundWith(t *testing.T) {
	changes := map[string]func(*Gate, *Model){
		"model":   func(_ *Gate, m *Model) { m.Digest = "sha256:def" },
		"runtime": func(g *Gate, _ *Model) { g.Runtime = "1.32.0" },
		"version": func(g *Gate, _ *Model) { g.Version = "0.2.0/dirty" },
		"library": func(g *Gate, _ *Model) { g.Library = os.Args[0] },
		"program": func(g *Gate, _ *Model) { g.Child[0] = "/proc/self/exe" }, // the same, to its eyes
		"time":    func(g *Gate, _ *Model) { g.Limit *= 2 },
		"memory":  func(g *Gate, _ *Model) { g.Memory *= 2 },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			g, m, log := logged(t)
			tries(t, g, m, log, 1)
			change(g, m)
			if n := tries(t, g, m, log, 2); n != 2 {
				t.Errorf("tried %d times, want 2", n)
			}
		})
	}
	t.Run("request", func(t *testing.T) {
		g, m, log := logged(t)
		tries(t, g, m, log, 1)
		if n := tries(t, g, m, log+"2", 1); n != 1 {
			t.Errorf("another request tried %d times, want once", n)
		}
	})
}

func TestVerdictThatIsDamagedIsIgnored(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut": `{"name":"abc`, "another's": `{"name":"def.json","passed":true}`, "undecided": `{}`, "huge": strings.Repeat(" ", 100<<10) + `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			g, m, log := logged(t)
			tries(t, g, m, log, 1)
			if err := os.WriteFile(only(t, g.CacheDir), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if n := tries(t, g, m, log, 2); n != 2 {
				t.Errorf("tried %d times, want 2: the verdict is written anew", n)
			}
		})
	}
}

func TestRefusalByTheRuntimeIsKept(t *testing.T) {
	g := gate("refuse")
	g.CacheDir = t.TempDir()
	first := g.Try(t.Context(), &Model{Digest: "sha256:abc"}, nil)
	g.Child[2] = "panic"
	again := g.Try(t.Context(), &Model{Digest: "sha256:abc"}, nil)
	if first == nil || again == nil || first.Error() != again.Error() {
		t.Errorf("first %v, then %v", first, again)
	}
}

// What depends on the machine's mood must be tried again.
func TestOtherVerdictsAreNotKept(t *testing.T) {
	for _, behaviour := range []string{"setup", "signal:11", "exit:3", "bad_alloc", "claim:300"} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			g := gate(behaviour)
			g.CacheDir = filepath.Join(t.TempDir(), "verdicts")
			if err := g.Try(t.Context(), &Model{Digest: "sha256:abc"}, nil); err == nil {
				t.Error("it passed")
			}
			if _, err := os.Stat(g.CacheDir); !os.IsNotExist(err) {
				t.Errorf("a verdict was kept: %v", err)
			}
		})
	}
}

func TestIdentityChangesWithTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib.so")
	seen := map[string]bool{identity(path): true}
	for i, text := range []string{"a", "ab", "cd"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(int64(i), 0)); err != nil {
			t.Fatal(err)
		}
		seen[identity(path)] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d identities of a file that is missing and then written three times: %v", len(seen), seen)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	g, m, log := logged(t)
	var told []string
	g.NotKept = func(err error) { told = append(told, err.Error()) }
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", filepath.Join(file, "verdicts")} {
		g.CacheDir = dir
		before := tries(t, g, m, log, 0)
		if n := tries(t, g, m, log, 2) - before; n != 2 {
			t.Errorf("cache %q: tried %d times, want 2", dir, n)
		}
	}
	if len(told) != 2 || !strings.Contains(told[0], "keep the verdict on the model: ") || !strings.Contains(told[0], "not a directory") {
		t.Errorf("told %q; want twice that the verdict could not be kept", told)
	}
}

func TestUserCacheDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/cache")
	t.Setenv("HOME", t.TempDir())
	if dir := UserCacheDir(); !strings.HasSuffix(dir, filepath.Join("penstock", "verdicts")) {
		t.Errorf("got %s", dir)
	}
	t.Setenv("XDG_CACHE_HOME", "relative")
	if dir := UserCacheDir(); dir != "" && !filepath.IsAbs(dir) {
		t.Errorf("got %s", dir)
	}
}
