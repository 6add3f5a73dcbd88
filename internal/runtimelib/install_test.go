package runtimelib

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/internal/filelock"
)

// giving is a source that writes data into the scratch directory.
func giving(name string, a artifact, data []byte, asked *atomic.Int32) source {
	return source{name, a, func(_ context.Context, a artifact, scratch string) (string, error) {
		asked.Add(1)
		path := filepath.Join(scratch, a.file.name)
		return path, os.WriteFile(path, data, 0o644)
	}, time.Hour}
}

func failing(name string, a artifact, err error) source {
	return source{name, a, func(context.Context, artifact, string) (string, error) { return "", err }, time.Hour}
}

func testInstaller(dir string, out io.Writer, sources ...source) *installer {
	in := &installer{
		finder:  finder{cache: cache{dir: dir, platform: testPlatform}, names: namesFor("linux")},
		sources: sources,
		out:     progress{out},
	}
	for _, s := range sources {
		in.finder.pinned = append(in.finder.pinned, s.artifact)
	}
	return in
}

func TestInstallTakesTheFirstSourceThatServes(t *testing.T) {
	a, data := archiveFixture(t)
	broken := errors.New("the cable is cut")
	var asked, notAsked atomic.Int32
	var said bytes.Buffer
	dir := t.TempDir()
	lib, err := testInstaller(dir, &said,
		failing("the first", a, broken), giving("the second", a, data, &asked), giving("the third", a, data, &notAsked),
	).install(t.Context())
	must(t, err)
	if want := filepath.Join(dir, "1.30.0", "linux-amd64", "libonnxruntime.so.1.30.0"); lib != (Library{Path: want, Origin: FromCache, Version: "1.30.0"}) {
		t.Errorf("install = %+v", lib)
	}
	if !bytes.Equal(read(t, lib.Path), libraryBytes) || asked.Load() != 1 || notAsked.Load() != 0 {
		t.Errorf("asked the second %d and the third %d times", asked.Load(), notAsked.Load())
	}
	for _, want := range []string{"from the first: ort-1.30.0.tgz", "not from there: the cable is cut", "from the second", "ONNX Runtime 1.30.0 is installed: " + lib.Path} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it must say %q:\n%s", want, &said)
		}
	}
	if got, want := entries(t, dir), []string{"1.30.0/linux-amd64/installed.json", "1.30.0/linux-amd64/libonnxruntime.so.1.30.0", "install.lock"}; !slices.Equal(got, want) {
		t.Errorf("the cache holds %q, want %q", got, want)
	}
}

func TestInstallUsesOnlyWhatIsPinned(t *testing.T) {
	good, data := archiveFixture(t)
	otherArchive, otherLibrary := good, good
	otherArchive.file.sha256 = digest([]byte("another archive"))
	otherLibrary.library.sha256 = digest([]byte("another library"))
	var asked atomic.Int32
	dir := t.TempDir()
	_, err := testInstaller(dir, io.Discard,
		giving("one", otherArchive, data, &asked), giving("two", otherLibrary, data, &asked), failing("three", good, context.DeadlineExceeded),
	).install(t.Context())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("install: %v", err)
	}
	for _, want := range []string{"one: ort-1.30.0.tgz has sha256 " + good.file.sha256, "two: ort-1.30.0/lib/", "three: context deadline", EnvVar} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error must say %q: %v", want, err)
		}
	}
	if got := entries(t, dir); !slices.Equal(got, []string{"install.lock"}) || asked.Load() != 2 {
		t.Errorf("left behind: %q", got)
	}
}

func TestInstallDropsADownloadThatIsNotThePinned(t *testing.T) {
	a, data := archiveFixture(t)
	dir := t.TempDir()
	part := write(t, filepath.Join(dir, "partial", a.file.name), bytes.ToUpper(data))
	kept := source{"it", a, func(context.Context, artifact, string) (string, error) { return part, nil }, time.Hour}
	if _, err := testInstaller(dir, io.Discard, kept).install(t.Context()); err == nil {
		t.Fatal("a damaged download was used")
	}
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the next try would go on with it: %v", err)
	}
}

func TestInstallFetchesNothingWhenALibraryIsThere(t *testing.T) {
	a, data := archiveFixture(t)
	var asked atomic.Int32
	system := t.TempDir()
	there := write(t, filepath.Join(system, "libonnxruntime.so.1.27.0"), libraryBytes)
	in := testInstaller(t.TempDir(), io.Discard, giving("it", a, data, &asked))
	in.finder.dirs = []string{system}
	if lib, err := in.install(t.Context()); err != nil || lib.Path != there || asked.Load() != 0 {
		t.Errorf("install = %+v, %v, asked %d times", lib, err, asked.Load())
	}
	in.finder.override = filepath.Join(system, "gone.so")
	if lib, err := in.install(t.Context()); err == nil || asked.Load() != 0 {
		t.Errorf("install = %+v: a wrong %s must not be papered over", lib, EnvVar)
	}
}

func TestInstallOnAnUnknownPlatform(t *testing.T) {
	if _, err := testInstaller(t.TempDir(), io.Discard).install(t.Context()); err == nil || !strings.Contains(err.Error(), EnvVar) {
		t.Errorf("install: %v", err)
	}
}

// Several installers in one process stand for several processes: each opens the lock
// file for itself, and the system locks by open file.
func TestConcurrentInstallsFetchOnce(t *testing.T) {
	a, data := archiveFixture(t)
	dir := t.TempDir()
	var asked atomic.Int32
	slow := giving("it", a, data, &asked)
	quick := slow.fetch
	slow.fetch = func(ctx context.Context, a artifact, scratch string) (string, error) {
		time.Sleep(50 * time.Millisecond)
		return quick(ctx, a, scratch)
	}
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			in := testInstaller(dir, io.Discard, slow)
			lib, err := in.install(t.Context())
			if err != nil || lib.Version != "1.30.0" {
				t.Errorf("install = %+v, %v", lib, err)
			}
		})
	}
	wait.Wait()
	if asked.Load() != 1 {
		t.Errorf("fetched %d times", asked.Load())
	}
	if got := entries(t, dir); !slices.Equal(got, []string{"1.30.0/linux-amd64/installed.json", "1.30.0/linux-amd64/libonnxruntime.so.1.30.0", "install.lock"}) {
		t.Errorf("left behind: %q", got)
	}
}

func TestInstallWaitsForAnotherAndCanBeStopped(t *testing.T) {
	a, data := archiveFixture(t)
	dir := t.TempDir()
	release, err := filelock.Take(t.Context(), filepath.Join(dir, "install.lock"), func() {})
	must(t, err)
	var asked atomic.Int32
	var said bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if _, err := testInstaller(dir, &said, giving("it", a, data, &asked)).install(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("install: %v", err)
	}
	if asked.Load() != 0 || strings.Count(said.String(), "another install is under way") != 1 {
		t.Errorf("asked %d times, said %q", asked.Load(), &said)
	}
	release()
	if _, err := testInstaller(dir, io.Discard, giving("it", a, data, &asked)).install(t.Context()); err != nil {
		t.Errorf("after the other is done: %v", err)
	}
}

func TestInstallSweepsUpAfterTheKilled(t *testing.T) {
	a, data := archiveFixture(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, scratchPrefix+"123", "library", "half"), libraryBytes)
	part := write(t, filepath.Join(dir, "partial", "another.tgz"), data)
	var asked atomic.Int32
	_, err := testInstaller(dir, io.Discard, giving("it", a, data, &asked)).install(t.Context())
	must(t, err)
	if left, _ := filepath.Glob(filepath.Join(dir, scratchPrefix+"*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := os.Stat(part); err != nil {
		t.Errorf("a partial download must stay: %v", err)
	}
}

func TestInstallStopsWhenItIsCancelled(t *testing.T) {
	a, data := archiveFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancelling := source{"it", a, func(context.Context, artifact, string) (string, error) {
		cancel()
		return "", errors.New("broken off")
	}, time.Hour}
	var asked atomic.Int32
	_, err := testInstaller(t.TempDir(), io.Discard, cancelling, giving("another", a, data, &asked)).install(ctx)
	if !errors.Is(err, context.Canceled) || asked.Load() != 0 {
		t.Errorf("install: %v, asked the next source %d times", err, asked.Load())
	}
}

// A package manager that hangs must not keep the next source from its turn, nor
// may the time that it took count against that one.
func TestInstallGivesASourceUpThatTakesTooLong(t *testing.T) {
	a, data := archiveFixture(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		hanging := source{"it", a, func(ctx context.Context, _ artifact, _ string) (string, error) {
			<-ctx.Done()
			return "", context.Cause(ctx)
		}, patience(a.file.size)}
		var asked atomic.Int32
		var said bytes.Buffer
		start := time.Now()
		lib, err := testInstaller(dir, &said, hanging, giving("another", a, data, &asked)).install(t.Context())
		if err != nil || lib.Version != "1.30.0" || asked.Load() != 1 {
			t.Errorf("install = %+v, %v, asked %d times", lib, err, asked.Load())
		}
		if took := time.Since(start); took != 2*time.Minute || !strings.Contains(said.String(), "not from there: it was not there after 2m0s") {
			t.Errorf("after %s it said %q", took, &said)
		}
	})
}

func TestPatienceGrowsWithTheFile(t *testing.T) {
	if got, want := patience(45_000_000), 9*time.Minute+30*time.Second; got != want {
		t.Errorf("patience(45 MB) = %s, want %s", got, want)
	}
	in := testInstaller(t.TempDir(), io.Discard)
	for _, s := range in.sourcesOf(pinsFor(testPlatform)) {
		if want := patience(s.artifact.file.size); s.limit != want || want <= 2*time.Minute {
			t.Errorf("%s has %s, want %s", s.name, s.limit, want)
		}
	}
}

func TestInstallSaysWhatToDoAboutACacheItCannotWriteTo(t *testing.T) {
	a, data := archiveFixture(t)
	var asked atomic.Int32
	noDirectory := write(t, filepath.Join(t.TempDir(), "cache"), nil)
	noLock := t.TempDir()
	must(t, os.Mkdir(filepath.Join(noLock, "install.lock"), 0o755))
	for _, dir := range []string{noDirectory, noLock} {
		_, err := testInstaller(dir, io.Discard, giving("it", a, data, &asked)).install(t.Context())
		if err == nil || !strings.Contains(err.Error(), "make "+dir+" a directory that you can write to") || !strings.Contains(err.Error(), EnvVar) || asked.Load() != 0 {
			t.Errorf("install: %v, asked %d times", err, asked.Load())
		}
	}
}

// An account without a home, as services have, needs none while a library is
// there.
func TestInstallNeedsAHomeOnlyToFetch(t *testing.T) {
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		t.Setenv(name, "")
	}
	named := write(t, filepath.Join(t.TempDir(), namesFor(runtime.GOOS).plain), libraryBytes)
	t.Setenv(EnvVar, named)
	if lib, err := Install(t.Context(), InstallOptions{}); err != nil || lib.Path != named {
		t.Errorf("Install = %+v, %v; want %s", lib, err, named)
	}

	a, data := archiveFixture(t)
	var asked atomic.Int32
	in := testInstaller("", io.Discard, giving("it", a, data, &asked))
	_, in.noCache = cacheDir()
	if _, err := in.install(t.Context()); !errors.Is(err, in.noCache) || !strings.Contains(err.Error(), "set HOME, or "+EnvVar) || asked.Load() != 0 {
		t.Errorf("install: %v, asked %d times", err, asked.Load())
	}
}

// The public functions read the machine: the variable, the user's cache and
// the linker's path, all of which the test puts in its own hands.
func TestFindAndInstallReadTheEnvironment(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData", EnvVar, "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		t.Setenv(name, "")
	}
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	t.Setenv("LocalAppData", home)

	named := write(t, filepath.Join(t.TempDir(), namesFor(runtime.GOOS).plain), libraryBytes)
	t.Setenv(EnvVar, named)
	want := Library{Path: named, Origin: FromEnvironment}
	if lib, err := Find(); err != nil || lib != want {
		t.Errorf("Find = %+v, %v; want %+v", lib, err, want)
	}
	var said bytes.Buffer
	if lib, err := Install(t.Context(), InstallOptions{Progress: &said}); err != nil || lib != want {
		t.Errorf("Install = %+v, %v; want %+v", lib, err, want)
	}
	if got := "ONNX Runtime is there: " + named + "\n"; said.String() != got {
		t.Errorf("said %q, want %q", &said, got)
	}

	t.Setenv(EnvVar, "")
	dir, err := cacheDir()
	must(t, err)
	if !strings.HasPrefix(dir, home) {
		t.Fatalf("the cache %s is not in %s", dir, home)
	}
	all := newestFirst(pinsFor(platform()))
	if len(all) == 0 {
		return // nothing is published for this platform, so there is nothing to have in the cache
	}
	inCache := cached(t, cache{dir: dir, platform: platform()}, all[0])
	if lib, err := Find(); err != nil || lib != inCache {
		t.Errorf("Find = %+v, %v; want %+v", lib, err, inCache)
	}
	if lib, err := Install(t.Context(), InstallOptions{}); err != nil || lib != inCache {
		t.Errorf("Install = %+v, %v; want %+v", lib, err, inCache)
	}
}
