//go:build unix

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
	"testing"
	"time"
)

// fakeCommands puts shell scripts first, and nothing else but the shell's own
// directory, on the PATH.
func fakeCommands(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, body := range scripts {
		write(t, filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"))
	}
	t.Setenv("PATH", dir)
}

func TestPipIsAskedForTheVeryWheel(t *testing.T) {
	a := *pinsFor("darwin/arm64").wheel
	log := filepath.Join(t.TempDir(), "log")
	t.Setenv("LOG", log)
	fakeCommands(t, map[string]string{
		"python3": `echo "No module named pip"; : > pip.py; exit 1`,
		"pip3":    `[ "$1" = --version ] && exit 0; echo "$@" > "$LOG"; while [ "$1" != --dest ]; do shift; done; : > "$2/` + a.file.name + `"`,
		"pip":     `exit 1`,
	})
	var said bytes.Buffer
	scratch := t.TempDir()
	path, err := pip{"darwin", progress{&said}}.fetch(t.Context(), a, scratch)
	must(t, err)
	if path != filepath.Join(scratch, a.file.name) {
		t.Errorf("fetch = %s", path)
	}
	if got := entries(t, scratch); !slices.Contains(got, "pip.py") {
		t.Errorf("python3 must be tried in the scratch directory, which has only %q", got)
	}
	args := string(read(t, log))
	for _, want := range []string{"download --no-deps --only-binary=:all:", "--abi cp313 --platform macosx_14_0_arm64", "--python-version 3.13", "onnxruntime==1.31.1\n"} {
		if !strings.Contains(args, want) {
			t.Errorf("pip must be called with %q: %s", want, args)
		}
	}
	if !strings.Contains(said.String(), "through pip3") {
		t.Errorf("said %q", &said)
	}
}

func TestNpmIsAskedForTheVeryPackage(t *testing.T) {
	a := *pinsFor("linux/arm64").npm
	log := filepath.Join(t.TempDir(), "log")
	t.Setenv("LOG", log)
	fakeCommands(t, map[string]string{"npm": `[ "$1" = --version ] && exit 0; echo "$@" > "$LOG"; pwd >> "$LOG"`})
	scratch := t.TempDir()
	path, err := npmPack{progress{io.Discard}}.fetch(t.Context(), a, scratch)
	must(t, err)
	if path != filepath.Join(scratch, "onnxruntime-node-1.30.0.tgz") {
		t.Errorf("fetch = %s", path)
	}
	args := string(read(t, log))
	for _, want := range []string{"pack ", " --ignore-scripts ", " --fetch-timeout=30000 --fetch-retries=1 ", " onnxruntime-node@1.30.0\n", filepath.Base(scratch) + "\n"} {
		if !strings.Contains(args, want) {
			t.Errorf("npm must be called with %q: %s", want, args)
		}
	}
}

// The user's directory may hold anything: a pip.py, which Python would import
// for pip, or an .npmrc with another registry.
func TestPackageManagersRunNothingOfTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	record := filepath.Join(t.TempDir(), "where")
	t.Setenv("RECORD", record)
	fakeCommands(t, map[string]string{"python3": `pwd >> "$RECORD"; echo "$@" >> "$RECORD"`, "npm": `pwd >> "$RECORD"`})
	scratch, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	_, pipErr := pip{"linux", progress{io.Discard}}.fetch(t.Context(), *pinsFor(testPlatform).wheel, scratch)
	_, npmErr := npmPack{progress{io.Discard}}.fetch(t.Context(), *pinsFor(testPlatform).npm, scratch)
	must(t, errors.Join(pipErr, npmErr))
	lines := strings.Split(strings.TrimSpace(string(read(t, record))), "\n")
	if len(lines) != 6 || lines[1] != "-I -m pip --version" || !strings.HasPrefix(lines[3], "-I -m pip download ") {
		t.Fatalf("ran %q", lines)
	}
	for _, i := range []int{0, 2, 4, 5} { // probe and fetch, pip's and npm's
		if lines[i] != scratch {
			t.Errorf("a command ran in %s and not in %s", lines[i], scratch)
		}
	}
}

// The same with this machine's own Python, where there is one.
func TestPythonDoesNotImportTheWorkingDirectorysPip(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("PYTHONPATH", dir)
	write(t, "pip.py", []byte("open('imported', 'w').close()\n"))
	_, err := firstThatRuns(t.Context(), t.TempDir(), pipCommands(runtime.GOOS))
	if _, statErr := os.Stat("imported"); statErr == nil {
		t.Errorf("pip.py of the working directory was run (%v)", err)
	}
}

func TestPackageManagersSayWhyTheyFail(t *testing.T) {
	wheel, node := *pinsFor(testPlatform).wheel, *pinsFor(testPlatform).npm
	out := progress{io.Discard}
	for _, c := range []struct {
		name    string
		scripts map[string]string
		want    []string
	}{
		{"none there", nil, []string{"no python3", "no pip", "no npm"}},
		{
			"offline",
			map[string]string{
				"python3": `[ "$4" = --version ] && exit 0; echo "WARNING: retrying"; echo "ERROR: No matching distribution found" >&2; exit 1`,
				"npm":     `[ "$1" = --version ] && exit 0; echo "npm warn old" >&2; echo "npm error code ENOTFOUND" >&2; echo "npm error the log is elsewhere" >&2; exit 1`,
			},
			[]string{"python3: ERROR: No matching distribution found", "npm: npm error code ENOTFOUND"},
		},
		{"no words", map[string]string{"python3": `[ "$4" = --version ]`, "npm": `[ "$1" = --version ]`}, []string{"python3: exit status 1", "npm: exit status 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakeCommands(t, c.scripts)
			_, pipErr := pip{"linux", out}.fetch(t.Context(), wheel, t.TempDir())
			_, npmErr := npmPack{out}.fetch(t.Context(), node, t.TempDir())
			if pipErr == nil || npmErr == nil {
				t.Fatalf("fetch: %v, %v", pipErr, npmErr)
			}
			for _, want := range c.want {
				if !strings.Contains(pipErr.Error()+"\n"+npmErr.Error(), want) {
					t.Errorf("the errors must say %q: %v; %v", want, pipErr, npmErr)
				}
			}
		})
	}
}

func TestPackageManagersStopWhenCancelled(t *testing.T) {
	fakeCommands(t, map[string]string{"npm": `[ "$1" = --version ] && exit 0; exec /bin/sleep 60`})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := (npmPack{progress{io.Discard}}).fetch(ctx, *pinsFor(testPlatform).npm, t.TempDir()); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 20*time.Second {
		t.Errorf("fetch: %v after %v", err, time.Since(start))
	}
}

// A missing pip must lead to npm and then to an error that names both.
func TestInstallWithoutAnyPackageManager(t *testing.T) {
	fakeCommands(t, nil)
	in := testInstaller(t.TempDir(), io.Discard)
	p := pinsFor(testPlatform)
	p.archive = nil
	in.sources = in.sourcesOf(p)
	_, err := in.install(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the PyPI wheel: no python3") || !strings.Contains(err.Error(), "the npm package: no npm") {
		t.Errorf("install: %v", err)
	}
	if _, statErr := os.Stat(in.partialDir()); !os.IsNotExist(statErr) {
		t.Errorf("nothing was downloaded, yet: %v", statErr)
	}
}
