// Package runtimelib finds ONNX Runtime's shared library on this machine and
// fetches it into the user's cache where there is none. It is pure Go and loads
// nothing: what it returns is a path.
package runtimelib

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// EnvVar names the environment variable that points at the library. Where it
// is set, nothing else is looked at.
const EnvVar = "PENSTOCK_ONNXRUNTIME_LIB"

// Origin tells where a library was found.
type Origin string

// The origins, in the order in which they are looked at.
const (
	FromEnvironment Origin = "environment" // EnvVar
	FromCache       Origin = "cache"       // put there by Install
	FromSystem      Origin = "system"      // a directory of the system's linker
)

// Library is a library that was found.
type Library struct {
	Path    string // absolute
	Origin  Origin
	Version string // as 1.31.1; "" where neither the file's name nor a record tells it
}

// ErrNotFound says that there is no usable library. Its text tells the user
// what to do; Install is the same by program.
var ErrNotFound = fmt.Errorf("ONNX Runtime's library was not found: run `penstock runtime install`, or set %s to %s (%s or newer)",
	EnvVar, namesFor(runtime.GOOS).plain, oldest)

// Find returns the library to load: the one that EnvVar names, else the one in
// the user's cache, else the system's. It reads directories and one small
// record, not the library. A variable that names no file is an error and not
// ErrNotFound: whoever sets it wants that file and no other.
func Find() (Library, error) {
	dir, err := cacheDir()
	if err != nil {
		dir = "" // no home directory: a library elsewhere still serves
	}
	f := finder{
		override: os.Getenv(EnvVar),
		cache:    cache{dir: dir, platform: platform()},
		pinned:   newestFirst(pinsFor(platform())),
		dirs:     systemDirs(runtime.GOOS, runtime.GOARCH),
		names:    namesFor(runtime.GOOS),
	}
	return f.find()
}

// finder holds where to look, so that tests can look elsewhere.
type finder struct {
	override string
	cache    cache
	pinned   []artifact // what may be in the cache, the preferred first
	dirs     []string
	names    names
}

func (f *finder) find() (Library, error) {
	if f.override != "" {
		return fromEnvironment(f.override)
	}
	var notes []string
	if f.cache.dir != "" {
		for _, a := range f.pinned {
			lib, err := f.cache.lookUp(a)
			if err == nil {
				return lib, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				notes = append(notes, err.Error())
			}
		}
	}
	lib, tooOld, ok := searchSystem(f.dirs, f.names)
	if ok {
		return lib, nil
	}
	notes = append(notes, tooOld...)
	if len(notes) > 0 {
		return Library{}, fmt.Errorf("%w (%s)", ErrNotFound, strings.Join(notes, "; "))
	}
	return Library{}, ErrNotFound
}

func fromEnvironment(path string) (Library, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Library{}, fmt.Errorf("resolve %s=%s: %w", EnvVar, path, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return Library{}, fmt.Errorf("%s names a file that cannot be used: %w: correct it or unset it", EnvVar, err)
	}
	if !info.Mode().IsRegular() {
		return Library{}, fmt.Errorf("%s=%s is not a file: it must name the library itself", EnvVar, path)
	}
	lib := Library{Path: abs, Origin: FromEnvironment}
	if v, ok := versionOfFile(abs, namesFor(runtime.GOOS)); ok {
		lib.Version = v.String()
	}
	return lib, nil
}

// platform is this machine's key in the table of pins.
func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }
