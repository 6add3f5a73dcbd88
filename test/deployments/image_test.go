//go:build linux

package deployments

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	dockerfile      = "deployments/Dockerfile"
	libraryVariable = "PENSTOCK_ONNXRUNTIME_LIB"
	libraryFolder   = "usr/local/lib"
	imageVersion    = "v0.0.0-image"
)

// builtImage is what the Dockerfile makes, but for its base.
type builtImage struct {
	work    string
	last    *stage
	binary  string // as the image has it
	library string
	err     error
}

// image builds the image once; TestImage tells what goes wrong with it.
var image = sync.OnceValue(func() *builtImage {
	i := &builtImage{}
	built = i
	var top string
	if top, i.err = filepath.Abs(repository); i.err != nil {
		return i
	}
	if i.work, i.err = os.MkdirTemp("", "penstock-image-"); i.err != nil {
		return i
	}
	if i.err = os.Chmod(i.work, 0o755); i.err != nil { // the image's user is to get in
		return i
	}
	b := &builder{context: top, work: i.work, args: map[string]string{"VERSION": imageVersion}}
	if i.last, i.err = b.build(filepath.Join(top, dockerfile)); i.err != nil {
		return i
	}
	i.binary = filepath.Join(i.last.root, i.last.entrypoint[0])
	libraries, _ := filepath.Glob(filepath.Join(i.last.root, libraryFolder, "libonnxruntime.so*"))
	if len(libraries) != 1 {
		i.err = fmt.Errorf("ONNX Runtime's library in the image: %q", libraries)
		return i
	}
	i.library = libraries[0]
	return i
})

// built is the image once a test has asked for it, for TestMain to remove.
var built *builtImage

func removeImage() {
	if built != nil && built.work != "" {
		_ = os.RemoveAll(built.work) // the system's to clean up then
	}
}

func TestImage(t *testing.T) {
	i := image()
	if i.err != nil {
		t.Fatal(i.err)
	}
	for _, finding := range rootfs(i.last.root) {
		t.Error(finding)
	}
	// Each in turn, in a copy: what rootfs is for.
	for name, spoil := range map[string]func(root string) error{
		"written by all": func(root string) error { return os.Chmod(filepath.Join(root, libraryFolder), 0o777) },
		"takes its owner's": func(root string) error {
			return os.Chmod(filepath.Join(root, "usr/local/bin/penstock"), 0o755|fs.ModeSetuid)
		},
		"may not be run":  func(root string) error { return os.Chmod(filepath.Join(root, "usr/local/bin/penstock"), 0o644) },
		"does not belong": func(root string) error { return os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o644) },
		"needs libpython": func(root string) error { return needs(filepath.Join(root, "usr/local/bin/penstock"), "libpython") },
	} {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS(i.last.root)); err != nil {
			t.Fatal(err)
		}
		if err := spoil(root); err != nil {
			t.Fatal(err)
		}
		if found := rootfs(root); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, name) }) {
			t.Errorf("found %q, nothing with %q", []string(found), name)
		}
	}
}

// needs has an ELF file ask for another library than the C library, of as many
// letters.
func needs(path, library string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old := []byte("\x00libc.so.6\x00")
	if !bytes.Contains(content, old) {
		return errors.New("it does not need libc.so.6")
	}
	return os.WriteFile(path, bytes.Replace(content, old, []byte("\x00"+library+"\x00"), 1), 0o755)
}

// inBase are the libraries of distroless/cc, with the newest of their symbols'
// versions in Debian 13.
var inBase = map[string]string{
	"libc.so.6": "2.41", "libm.so.6": "2.41", "libdl.so.2": "2.41", "librt.so.1": "2.41", "libpthread.so.0": "2.41",
	"libresolv.so.2": "2.41", "ld-linux-x86-64.so.2": "2.41", "ld-linux-aarch64.so.1": "2.41",
	"libstdc++.so.6": "3.4.33", "libgcc_s.so.1": "14.0.0",
}

// rootfs looks at every file of the image.
func rootfs(root string) (f findings) {
	belongs := regexp.MustCompile(`^(etc/penstock|usr/local/bin/penstock|` + libraryFolder + `/libonnxruntime\.so\.[0-9.]+|usr/share/doc/penstock/(LICENSE|NOTICE))$`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		mode := info.Mode()
		switch {
		case mode.Perm()&0o022 != 0:
			f.add("%s is written by all, or by a group: %s", name, mode)
		case mode&(fs.ModeSetuid|fs.ModeSetgid) != 0:
			f.add("%s takes its owner's rights: %s", name, mode)
		case entry.IsDir():
			return nil
		case !belongs.MatchString(name):
			f.add("%s does not belong into the image", name)
		case name == "usr/local/bin/penstock" && mode.Perm()&0o005 != 0o005:
			f.add("%s may not be run by all: %s", name, mode)
		case mode.Perm()&0o004 == 0:
			f.add("%s is not readable by all: %s", name, mode)
		}
		if file, err := elf.Open(path); err == nil {
			linkage(&f, name, file)
			return file.Close()
		}
		return nil
	})
	f.must("walk the image", err)
	return f
}

// linkage complains about what a program needs and the base has not.
func linkage(f *findings, name string, file *elf.File) {
	needed, err := file.ImportedLibraries()
	if !f.must(name, err) {
		return
	}
	for _, library := range needed {
		if inBase[library] == "" {
			f.add("%s needs %s: no such library is in the image", name, library)
		}
	}
	// The C library of this machine's toolchain stands in for the one of the
	// image's; only what comes ready-made is older or newer than the base.
	symbols, err := file.ImportedSymbols()
	if !f.must(name, err) {
		return
	}
	for _, s := range symbols {
		_, version, ok := strings.Cut(s.Version, "_")
		if has := inBase[s.Library]; ok && has != "" && newer(version, has) {
			f.add("%s needs %s of %s, which has %s", name, s.Version, s.Library, has)
		}
	}
}

// newer compares versions such as 2.36; what is no number is none.
func newer(a, b string) bool {
	parts := func(v string) (all []int) {
		for part := range strings.SplitSeq(v, ".") {
			n, err := strconv.Atoi(part)
			if err != nil {
				return nil
			}
			all = append(all, n)
		}
		return all
	}
	return slices.Compare(parts(a), parts(b)) > 0
}
