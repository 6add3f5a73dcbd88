//go:build linux

package modelgate

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// surroundings lets a child say what it sees of its surroundings.
func surroundings(t *testing.T, g *Gate) (dir, rest string) {
	t.Helper()
	err := g.Try(t.Context(), &Model{}, nil)
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatal(err)
	}
	_, said, _ := strings.Cut(r.Text, "dir ")
	dir, rest, _ = strings.Cut(said, ": ")
	return dir, rest
}

func TestChildSeesNoSecrets(t *testing.T) {
	t.Setenv("KAFKA_PASSWORD", "hunter2")
	t.Setenv("HOME", "/somewhere")
	_, rest := surroundings(t, gate("surroundings"))
	if strings.Contains(rest, "KAFKA_PASSWORD") || !strings.Contains(rest, "HOME=/somewhere") {
		t.Errorf("the child sees %s", rest)
	}
}

func TestChildWorksInAnEmptyFolder(t *testing.T) {
	here := t.TempDir()
	t.Chdir(here)
	t.Setenv("TMPDIR", t.TempDir())
	dir, rest := surroundings(t, gate("surroundings"))
	if !strings.HasPrefix(rest, "0 files;") || dir == here {
		t.Errorf("the child works in %s among %s", dir, rest)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

// In a container with nothing to write to, models are tried as well.
func TestChildWithoutAFolderWorksInTheRoot(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	if dir, _ := surroundings(t, gate("surroundings")); dir != "/" {
		t.Errorf("the child works in %s", dir)
	}
}

// Paths that are relative to this process's working directory hold for the child.
func TestChildFindsWhatIsRelative(t *testing.T) {
	here := t.TempDir()
	t.Chdir(here)
	if err := os.Symlink(os.Args[0], "penstock"); err != nil {
		t.Fatal(err)
	}
	t.Setenv(libraryVariable, "lib/libonnxruntime.so")
	t.Setenv("LD_LIBRARY_PATH", "lib::/usr/lib")
	g := gate("surroundings")
	g.Child[0] = "./penstock"
	_, rest := surroundings(t, g)
	for _, want := range []string{libraryVariable + "=" + here + "/lib/libonnxruntime.so", "LD_LIBRARY_PATH=" + here + "/lib::/usr/lib"} {
		if !strings.Contains(rest, want) {
			t.Errorf("the child sees %s; want %s", rest, want)
		}
	}
}
