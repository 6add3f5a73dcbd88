package runtimelib

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestVersionOfNames(t *testing.T) {
	linux, mac, windows := namesFor("linux"), namesFor("darwin"), namesFor("windows")
	for _, c := range []struct {
		names names
		file  string
		want  string // "-": not the library's name
	}{
		{linux, "libonnxruntime.so.1.31.1", "1.31.1"},
		{linux, "libonnxruntime.so.1.21", "1.21"},
		{linux, "libonnxruntime.so.1", "1"},
		{linux, "libonnxruntime.so", ""},
		{linux, "libonnxruntime_providers_shared.so", "-"},
		{linux, "libonnxruntime.so_backup", "-"},
		{mac, "libonnxruntime.1.30.0.dylib", "1.30.0"},
		{mac, "libonnxruntime.dylib", ""},
		{mac, "libonnxruntime_providers_shared.dylib", "-"},
		{windows, "onnxruntime.dll", ""},
		{windows, "onnxruntime_providers_shared.dll", "-"},
	} {
		text, ok := c.names.versionText(c.file)
		if !ok {
			text = "-"
		}
		if text != c.want {
			t.Errorf("versionText(%s) = %q, want %q", c.file, text, c.want)
		}
	}
}

func TestParseVersionOrdersNumerically(t *testing.T) {
	older, _ := parseVersion("1.9.3")
	newer, ok := parseVersion("1.24")
	if !ok || older.compare(newer) >= 0 || !older.tooOld() || newer.tooOld() {
		t.Errorf("1.9.3 must come before 1.24, which is new enough: %v %v", older, newer)
	}
	if v, _ := parseVersion("1.23.9"); !v.tooOld() {
		t.Error("1.23.9 has no API 24")
	}
	for _, s := range []string{"", "1", "1.x", "1.2.3.4", "1.-2"} {
		if v, ok := parseVersion(s); ok {
			t.Errorf("parseVersion(%q) = %v", s, v)
		}
	}
}

func TestFindTakesTheVariableAtItsWord(t *testing.T) {
	dir := t.TempDir()
	name := namesFor(runtime.GOOS).plain
	lib := write(t, filepath.Join(dir, name), libraryBytes)
	system := t.TempDir()
	write(t, filepath.Join(system, name), libraryBytes)
	for _, c := range []struct{ value, want, wrong string }{
		{value: lib, want: lib},
		{value: filepath.Join(dir, "gone.so"), wrong: "gone.so"},
		{value: dir, wrong: "is not a file"},
	} {
		f := finder{override: c.value, dirs: []string{system}, names: namesFor(runtime.GOOS)}
		got, err := f.find()
		if c.wrong == "" {
			if err != nil || got.Path != c.want || got.Origin != FromEnvironment {
				t.Errorf("find with %s = %+v, %v", c.value, got, err)
			}
			continue
		}
		// Neither the system's library nor ErrNotFound, which would make
		// an install go and fetch another one.
		if err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), EnvVar) {
			t.Errorf("find with %s = %+v, %v", c.value, got, err)
		}
	}
}

func TestFindInSystemDirectories(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    []string          // made in order; DIR/FILE
		links    map[string]string // link → target in the same directory
		want     string
		version  string
		mentions []string // of the error
	}{
		{name: "nothing", files: []string{"a/other.so"}},
		{name: "the newest of a directory", files: []string{"a/libonnxruntime.so.1.24.0", "a/libonnxruntime.so.1.30.0", "a/libonnxruntime.so.1.9.0"}, want: "a/libonnxruntime.so.1.30.0", version: "1.30.0"},
		{name: "the first directory", files: []string{"b/libonnxruntime.so.1.31.1", "a/libonnxruntime.so.1.24.0"}, want: "a/libonnxruntime.so.1.24.0", version: "1.24.0"},
		{name: "a link's target tells the version", files: []string{"a/libonnxruntime.so.1.31.1"}, links: map[string]string{"a/libonnxruntime.so": "libonnxruntime.so.1.31.1"}, want: "a/libonnxruntime.so", version: "1.31.1"},
		{name: "no version told", files: []string{"a/libonnxruntime.so"}, want: "a/libonnxruntime.so"},
		{name: "too old", files: []string{"a/libonnxruntime.so.1.21.0"}, links: map[string]string{"a/libonnxruntime.so": "libonnxruntime.so.1.21.0"}, mentions: []string{"libonnxruntime.so.1.21.0 is too old: version 1.21.0"}},
		{name: "too old, then new", files: []string{"a/libonnxruntime.so.1.21.0", "b/libonnxruntime.so.1.25.0"}, want: "b/libonnxruntime.so.1.25.0", version: "1.25.0"},
		{name: "the providers are not the library", files: []string{"a/libonnxruntime_providers_shared.so"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			for _, file := range c.files {
				write(t, filepath.Join(root, file), libraryBytes)
			}
			for link, target := range c.links {
				must(t, os.Symlink(target, filepath.Join(root, link)))
			}
			f := finder{dirs: []string{filepath.Join(root, "none"), filepath.Join(root, "a"), filepath.Join(root, "b")}, names: namesFor("linux")}
			got, err := f.find()
			if c.want != "" {
				if err != nil || got.Path != filepath.Join(root, c.want) || got.Origin != FromSystem || got.Version != c.version {
					t.Fatalf("find = %+v, %v; want %s, version %q", got, err, c.want, c.version)
				}
				return
			}
			if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "penstock runtime install") {
				t.Fatalf("find = %+v, %v", got, err)
			}
			for _, m := range c.mentions {
				if strings.Count(err.Error(), m) != 1 {
					t.Errorf("the error must say %q once: %v", m, err)
				}
			}
		})
	}
}

// The loader takes an empty entry of its path for the working directory. A
// library that merely lies there, maybe in a directory of downloads, is not the
// system's.
func TestTheWorkingDirectoryIsNoSystemDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "libonnxruntime.so.1.99.0", libraryBytes)
	absolute := t.TempDir()
	list := strings.Join([]string{"", absolute, ".", "lib"}, string(filepath.ListSeparator))
	for goos, variable := range map[string]string{"linux": "LD_LIBRARY_PATH", "darwin": "DYLD_LIBRARY_PATH"} {
		t.Setenv(variable, list)
		dirs := systemDirs(goos, "amd64")
		if dirs[0] != absolute || slices.ContainsFunc(dirs, func(dir string) bool { return !filepath.IsAbs(dir) }) {
			t.Errorf("%s: %q", goos, dirs)
		}
	}
	t.Setenv("LD_LIBRARY_PATH", list)
	if lib, _, ok := searchSystem(systemDirs("linux", "amd64")[:1], namesFor("linux")); ok {
		t.Errorf("found %+v", lib)
	}
}

// A directory's name is not a pattern.
func TestFindInADirectoryWithBrackets(t *testing.T) {
	there := write(t, filepath.Join(t.TempDir(), "ort [new", "libonnxruntime.so.1.31.1"), libraryBytes)
	f := finder{dirs: []string{filepath.Dir(there)}, names: namesFor("linux")}
	if lib, err := f.find(); err != nil || lib.Path != there {
		t.Errorf("find = %+v, %v", lib, err)
	}
}

// cached installs a stand-in for a in the cache, as Install would.
func cached(t *testing.T, c cache, a artifact) Library {
	t.Helper()
	staged := t.TempDir()
	write(t, filepath.Join(staged, a.library.name), libraryBytes)
	lib, err := c.adopt(staged, a, pin{name: a.library.name, size: int64(len(libraryBytes)), sha256: a.library.sha256})
	must(t, err)
	return lib
}

func TestFindPrefersTheCacheAndItsNewestVersion(t *testing.T) {
	c := cache{dir: t.TempDir(), platform: testPlatform}
	system := t.TempDir()
	write(t, filepath.Join(system, "libonnxruntime.so.1.99.0"), libraryBytes)
	p := pinsFor(testPlatform)
	f := finder{cache: c, pinned: newestFirst(p), dirs: []string{system}, names: namesFor("linux")}

	archived := cached(t, c, *p.archive)
	if got, err := f.find(); err != nil || got != archived || got.Version != archiveVersion || got.Origin != FromCache {
		t.Errorf("find = %+v, %v; want %+v", got, err, archived)
	}
	wheeled := cached(t, c, *p.wheel)
	if got, err := f.find(); err != nil || got != wheeled || got.Version != wheelVersion {
		t.Errorf("find = %+v, %v; want %+v", got, err, wheeled)
	}
}

func TestFindPassesOverADamagedCopy(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, home, library string){
		"cut short":    func(t *testing.T, _, library string) { must(t, os.Truncate(library, 10)) },
		"library gone": func(t *testing.T, _, library string) { must(t, os.Remove(library)) },
		"unreadable":   func(t *testing.T, home, _ string) { write(t, filepath.Join(home, recordName), []byte("{")) },
		"not the pinned": func(t *testing.T, home, _ string) {
			editRecord(t, home, pinsFor(testPlatform).wheel.library.sha256, digest(nil))
		},
		"record gone":      func(t *testing.T, home, _ string) { must(t, os.Remove(filepath.Join(home, recordName))) },
		"another's record": func(t *testing.T, home, _ string) { editRecord(t, home, ".whl", ".other") },
	} {
		t.Run(name, func(t *testing.T) {
			f := finder{cache: cache{dir: t.TempDir(), platform: testPlatform}, pinned: newestFirst(pinsFor(testPlatform)), names: namesFor("linux")}
			lib := cached(t, f.cache, *pinsFor(testPlatform).wheel)
			damage(t, filepath.Dir(lib.Path), lib.Path)
			got, err := f.find()
			if !errors.Is(err, ErrNotFound) {
				t.Fatalf("find = %+v, %v", got, err)
			}
			silent := name == "record gone" || name == "another's record" // as if nothing were there
			if mentioned := strings.Contains(err.Error(), filepath.Dir(lib.Path)); mentioned == silent {
				t.Errorf("the error must name the damaged copy: %v", err)
			}
			if again := cached(t, f.cache, *pinsFor(testPlatform).wheel); again != lib {
				t.Errorf("a new install must replace it: %+v", again)
			}
		})
	}
}

func editRecord(t *testing.T, home, from, to string) {
	t.Helper()
	path := filepath.Join(home, recordName)
	text := string(read(t, path))
	if !strings.Contains(text, from) {
		t.Fatalf("the record does not say %s: %s", from, text)
	}
	write(t, path, []byte(strings.ReplaceAll(text, from, to)))
}

func TestPinsAreWellFormed(t *testing.T) {
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64", "windows/arm64"} {
		p := pinsFor(platform)
		if p.archive == nil || p.wheel == nil {
			t.Errorf("%s: no archive or no wheel", platform)
			continue
		}
		goos, _, _ := strings.Cut(platform, "/")
		seen := map[string]bool{}
		for _, a := range newestFirst(p) {
			if v, ok := parseVersion(a.version); !ok || v.tooOld() {
				t.Errorf("%s: version %s is too old", a.file.name, a.version)
			}
			if len(a.file.sha256) != 64 || a.file.size < 1<<20 || seen[a.file.sha256] {
				t.Errorf("%s: pin %+v", a.file.name, a.file)
			}
			seen[a.file.sha256] = true
			if filepath.Base(a.member) != a.library.name {
				t.Errorf("%s: member %s, library %s", a.file.name, a.member, a.library.name)
			}
			if _, ok := namesFor(goos).versionText(a.library.name); !ok {
				t.Errorf("%s: %s is not a library's name on %s", a.file.name, a.library.name, goos)
			}
		}
	}
	if p := pinsFor("darwin/amd64"); len(newestFirst(p)) != 0 {
		t.Errorf("nothing is published for Intel Macs, yet there is %+v", p)
	}
}
