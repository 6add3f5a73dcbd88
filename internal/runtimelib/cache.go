package runtimelib

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// cache is the user's directory of libraries:
//
//	<dir>/<version>/<os>-<arch>/<library>
//	<dir>/<version>/<os>-<arch>/installed.json
//	<dir>/partial/<file>            an archive whose download goes on
//	<dir>/install.lock              held while one process installs
//
// A library's directory appears by one rename, complete and verified, so a
// reader needs no lock. The record repeats the digest that was verified then;
// hashing 30 MB again at every start would cost more than loading the library.
type cache struct {
	dir      string
	platform string // GOOS/GOARCH
}

const recordName = "installed.json"

// record is what installed.json says.
type record struct {
	Version string `json:"version"`
	Source  string `json:"source"` // which file it was taken out of
	Library string `json:"library"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
}

// cacheDir is where ONNX Runtime's libraries are kept for this user.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory: %w: set HOME, or %s", err, EnvVar)
	}
	return filepath.Join(base, "penstock", "onnxruntime"), nil
}

func (c cache) home(version string) string {
	return filepath.Join(c.dir, version, strings.ReplaceAll(c.platform, "/", "-"))
}

// lookUp returns the library of a's version that was installed from a, or
// fs.ErrNotExist when none was. Any other error says what is wrong with it.
func (c cache) lookUp(a artifact) (Library, error) {
	home := c.home(a.version)
	text, err := os.ReadFile(filepath.Join(home, recordName))
	if err != nil {
		return Library{}, err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return Library{}, fmt.Errorf("the copy in %s is damaged: its record cannot be read", home)
	}
	if r.Source != a.file.name {
		return Library{}, fs.ErrNotExist // another source's library of the same version
	}
	path := filepath.Join(home, a.library.name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Library{}, fmt.Errorf("the copy in %s is damaged: %s is gone", home, a.library.name)
	case err != nil:
		return Library{}, err
	case info.Size() != r.Size:
		return Library{}, fmt.Errorf("the copy in %s is damaged: %s has %d bytes and not %d", home, a.library.name, info.Size(), r.Size)
	case a.library.sha256 != "" && r.SHA256 != a.library.sha256:
		return Library{}, fmt.Errorf("the copy in %s is not the pinned one", home)
	}
	return Library{Path: path, Origin: FromCache, Version: r.Version}, nil
}

// adopt moves staged, a directory with the verified library of a, to its place
// and returns the library there. A damaged copy makes way; a good one that
// another process put there meanwhile stays.
func (c cache) adopt(staged string, a artifact, lib pin) (Library, error) {
	text, err := json.MarshalIndent(record{
		Version: a.version, Source: a.file.name, Library: lib.name, Size: lib.size, SHA256: lib.sha256,
	}, "", "  ")
	if err != nil {
		return Library{}, fmt.Errorf("write the record: %w", err)
	}
	if err := os.WriteFile(filepath.Join(staged, recordName), append(text, '\n'), 0o644); err != nil {
		return Library{}, fmt.Errorf("write the record: %w", err)
	}
	home := c.home(a.version)
	if found, err := c.lookUp(a); err == nil {
		return found, nil
	}
	if err := os.RemoveAll(home); err != nil {
		return Library{}, fmt.Errorf("make way for the library: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return Library{}, fmt.Errorf("make the cache: %w", err)
	}
	if err := os.Rename(staged, home); err != nil {
		return Library{}, fmt.Errorf("move the library to its place: %w", err)
	}
	return c.lookUp(a)
}
