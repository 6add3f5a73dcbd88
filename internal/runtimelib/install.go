package runtimelib

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/penstock/penstock/internal/filelock"
)

// InstallOptions says where to and how loudly. The zero value installs into
// the user's cache and says nothing.
type InstallOptions struct {
	Progress io.Writer // one line a step; nil: none
	Dir      string    // instead of the user's cache; Find does not look there
}

// Install returns the library that Find finds or, where there is none, fetches
// one into the user's cache: from Microsoft's release archive, else out of the
// PyPI wheel through pip, else out of the npm package through npm, which both
// know the machine's own mirror. What is fetched has a pinned size and sha256.
//
// Several processes may install at once: one works and the others wait for it.
// An interrupted download of the archive goes on where it stopped. The error
// names every source that was tried, why it failed, and what is left to do.
func Install(ctx context.Context, o InstallOptions) (Library, error) {
	dir, noDir := o.Dir, error(nil)
	if dir == "" {
		dir, noDir = cacheDir()
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	in := installer{
		finder: finder{
			cache:  cache{dir: dir, platform: platform()},
			pinned: newestFirst(pinsFor(platform())),
			names:  namesFor(runtime.GOOS),
		},
		noCache: noDir,
		out:     progress{o.Progress},
	}
	if o.Dir == "" {
		in.finder.override = os.Getenv(EnvVar)
		in.finder.dirs = systemDirs(runtime.GOOS, runtime.GOARCH)
	}
	in.sources = in.sourcesOf(pinsFor(platform()))
	return in.install(ctx)
}

// scratchPrefix begins the names of the directories that one install works in.
const scratchPrefix = "scratch-"

// source is one place where a library can be had.
type source struct {
	name     string // as messages call it
	artifact artifact
	// fetch brings the artifact's file and returns where it lies: below
	// scratch, which is thrown away, or in the cache's partial directory. It
	// need not verify it.
	fetch func(ctx context.Context, a artifact, scratch string) (string, error)
	limit time.Duration // after which the next source is tried
}

// installer does one install. It owns no goroutine.
type installer struct {
	finder  finder
	sources []source
	noCache error // why there is no directory to install into; nil where there is one
	out     progress
}

// sourcesOf lists the sources of a platform in the order in which to try them.
func (in *installer) sourcesOf(p pins) []source {
	var all []source
	if p.archive != nil {
		d := newDownloader("https://github.com/microsoft/onnxruntime/releases/download/v"+archiveVersion+"/", in.partialDir(), in.out)
		all = append(all, source{"Microsoft's release archive", *p.archive, d.fetch, patience(p.archive.file.size)})
	}
	if p.wheel != nil {
		all = append(all, source{"the PyPI wheel", *p.wheel, pip{runtime.GOOS, in.out}.fetch, patience(p.wheel.file.size)})
	}
	if p.npm != nil {
		all = append(all, source{"the npm package", *p.npm, npmPack{in.out}.fetch, patience(p.npm.file.size)})
	}
	return all
}

// patience is how long a source may take for a file of so many bytes. Over a
// line of 100 kB/s it comes in that time; a package manager that hangs is given
// up after it.
func patience(size int64) time.Duration {
	const slowest = 100_000 // bytes a second
	return 2*time.Minute + time.Duration(size/slowest)*time.Second
}

func (in *installer) partialDir() string { return filepath.Join(in.finder.cache.dir, "partial") }

func (in *installer) install(ctx context.Context) (Library, error) {
	if lib, err := in.present(); !errors.Is(err, ErrNotFound) {
		return lib, err
	}
	if len(in.sources) == 0 {
		return Library{}, fmt.Errorf("no ONNX Runtime %s or newer is published for %s: build one and set %s to it", oldest, in.finder.cache.platform, EnvVar)
	}
	if in.noCache != nil {
		return Library{}, in.noCache
	}
	if err := os.MkdirAll(in.finder.cache.dir, 0o755); err != nil {
		return Library{}, in.cannotWrite(err)
	}
	release, err := filelock.Take(ctx, filepath.Join(in.finder.cache.dir, "install.lock"), func() {
		in.out.say("another install is under way: waiting for it")
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return Library{}, fmt.Errorf("wait for another install: %w", err)
	case err != nil:
		return Library{}, in.cannotWrite(err)
	}
	defer release()
	in.sweep()
	if lib, err := in.present(); !errors.Is(err, ErrNotFound) {
		return lib, err
	}
	return in.fetchFirst(ctx)
}

// cannotWrite says what to do about a cache that nothing can be put into. The
// error beneath names the path.
func (in *installer) cannotWrite(err error) error {
	return fmt.Errorf("write to the cache: %w: make %s a directory that you can write to, or put the library elsewhere and set %s to it", err, in.finder.cache.dir, EnvVar)
}

// sweep removes what installs that were killed left behind. The lock is held,
// so no other install is using it; a partial download stays, to be gone on with.
func (in *installer) sweep() {
	left, _ := filepath.Glob(filepath.Join(in.finder.cache.dir, scratchPrefix+"*")) // the pattern is well-formed
	for _, dir := range left {
		_ = os.RemoveAll(dir) // it is in nobody's way
	}
}

// present returns the library that need not be fetched.
func (in *installer) present() (Library, error) {
	lib, err := in.finder.find()
	if err == nil {
		in.out.say("%s is there: %s", strings.TrimSpace("ONNX Runtime "+lib.Version), lib.Path)
	}
	return lib, err
}

// fetchFirst tries the sources in their order and stops at the first that
// serves.
func (in *installer) fetchFirst(ctx context.Context) (Library, error) {
	failures := &installError{}
	for _, s := range in.sources {
		in.out.say("fetching ONNX Runtime %s from %s: %s, %s", s.artifact.version, s.name, s.artifact.file.name, megabytes(s.artifact.file.size))
		lib, err := in.fetchWithin(ctx, s)
		if err == nil {
			in.out.say("ONNX Runtime %s is installed: %s", lib.Version, lib.Path)
			return lib, nil
		}
		if ctx.Err() != nil {
			return Library{}, fmt.Errorf("install ONNX Runtime: %w", context.Cause(ctx))
		}
		in.out.say("  not from there: %v", err)
		failures.add(s.name, err)
	}
	return Library{}, failures
}

// fetchWithin is fetchFrom for as long as the source may take.
func (in *installer) fetchWithin(ctx context.Context, s source) (Library, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, fmt.Errorf("it was not there after %s", s.limit))
	defer cancel()
	return in.fetchFrom(ctx, s)
}

// fetchFrom brings one source's file, verifies it, and takes the library out
// of it into the cache.
func (in *installer) fetchFrom(ctx context.Context, s source) (Library, error) {
	scratch, err := os.MkdirTemp(in.finder.cache.dir, scratchPrefix)
	if err != nil {
		return Library{}, in.cannotWrite(err)
	}
	defer os.RemoveAll(scratch)
	file, err := s.fetch(ctx, s.artifact, scratch)
	if err != nil {
		return Library{}, err
	}
	// Whatever becomes of it, the file has served: a good one is unpacked
	// below, and a bad one must not be gone on with at the next try.
	defer os.Remove(file)
	if err := verify(file, s.artifact.file); err != nil {
		return Library{}, err
	}
	staged := filepath.Join(scratch, "library")
	if err := os.Mkdir(staged, 0o755); err != nil {
		return Library{}, fmt.Errorf("make a staging directory: %w", err)
	}
	lib, err := defaultCaps().extract(file, s.artifact, staged)
	if err != nil {
		return Library{}, err
	}
	return in.finder.cache.adopt(staged, s.artifact, lib)
}

// verify compares a file with its pin.
func verify(file string, want pin) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return fmt.Errorf("read %s: %w", want.name, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.sha256 {
		return fmt.Errorf("%s has sha256 %s and not the pinned %s: it was damaged or replaced on its way, and is not used", want.name, got, want.sha256)
	}
	return nil
}

// installError lists why each source failed.
type installError struct {
	names  []string
	causes []error
}

func (e *installError) add(name string, cause error) {
	e.names, e.causes = append(e.names, name), append(e.causes, cause)
}

func (e *installError) Error() string {
	var b strings.Builder
	b.WriteString("no source has ONNX Runtime's library:\n")
	for i, name := range e.names {
		fmt.Fprintf(&b, "  %s: %v\n", name, e.causes[i])
	}
	fmt.Fprintf(&b, "make one of them reachable (a proxy in HTTPS_PROXY, a mirror in pip's or npm's configuration), or put the library there yourself and set %s to it", EnvVar)
	return b.String()
}

// Unwrap lets errors.Is and errors.As see the causes.
func (e *installError) Unwrap() []error { return e.causes }
