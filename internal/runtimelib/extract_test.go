package runtimelib

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestExtractTakesOneMemberAndNothingElse(t *testing.T) {
	const member = "pkg/lib/libonnxruntime.so.1"
	regular := tarEntry{member, tar.TypeReg, libraryBytes}
	wrong := bytes.ToUpper(libraryBytes)
	for _, c := range []struct {
		name string
		file string // decides how it is opened
		data []byte
		want string // of the error; "": the library comes out
	}{
		{"a tar", "a.tgz", tgz(t, tarEntry{"pkg/README", tar.TypeReg, []byte("hello")}, regular), ""},
		{"names that start with ./", "a.tgz", tgz(t, tarEntry{"./" + member, tar.TypeReg, libraryBytes}), ""},
		{"members that point outside stay in", "a.tgz", tgz(t, tarEntry{"../../escaped", tar.TypeReg, wrong}, tarEntry{"/tmp-escaped", tar.TypeReg, wrong}, regular), ""},
		{"a way through the parent is another name", "a.tgz", tgz(t, tarEntry{"../" + member, tar.TypeReg, libraryBytes}), "no such file"},
		{"a link in its place", "a.tgz", tgz(t, tarEntry{member, tar.TypeSymlink, nil}), "not a regular file"},
		{"a folder in its place", "a.tgz", tgz(t, tarEntry{member, tar.TypeDir, nil}), "not a regular file"},
		{"another library", "a.tgz", tgz(t, tarEntry{member, tar.TypeReg, wrong}), "and not the pinned"},
		{"a longer library", "a.tgz", tgz(t, tarEntry{member, tar.TypeReg, append(libraryBytes[:len(libraryBytes):len(libraryBytes)], make([]byte, 1<<20)...)}), "more than 131072 bytes"},
		{"a bomb before it", "a.tgz", tgz(t, tarEntry{"bomb", tar.TypeReg, make([]byte, 1<<20)}, regular), "EOF"},
		{"a cut tar", "a.tgz", tgz(t, regular)[:60], "EOF"},
		{"no gzip", "a.tgz", libraryBytes, "gzip"},
		{"no members", "a.tgz", tgz(t), "no such file"},
		{"a zip", "a.whl", zipped(t, member, 0o644, libraryBytes), ""},
		{"a zip's link", "a.whl", zipped(t, member, fs.ModeSymlink|0o644, libraryBytes), "not a regular file"},
		{"a zip's other name", "a.whl", zipped(t, "../"+member, 0o644, libraryBytes), "no such file"},
		{"a zip's other library", "a.zip", zipped(t, member, 0o644, wrong), "and not the pinned"},
		{"no zip", "a.zip", libraryBytes, "zip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			file := write(t, filepath.Join(root, c.file), c.data)
			dir := filepath.Join(root, "deep", "staged")
			must(t, os.MkdirAll(dir, 0o755))
			a := testArtifact("1.30.0", c.file, member, c.data)

			got, err := caps{library: 128 << 10, unpacked: 512 << 10}.extract(file, a, dir)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
					t.Errorf("extract = %+v, %v; want an error that says %q", got, err, c.want)
				}
			} else if err != nil || got != a.library || !bytes.Equal(read(t, filepath.Join(dir, "libonnxruntime.so.1")), libraryBytes) {
				t.Errorf("extract = %+v, %v; want %+v", got, err, a.library)
			}
			for _, path := range entries(t, root) {
				if path != c.file && path != "deep/staged/libonnxruntime.so.1" {
					t.Errorf("extract wrote %s", path)
				}
			}
		})
	}
}

func TestExtractedLibraryIsExecutable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no executable bit")
	}
	a, data := archiveFixture(t)
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, a.file.name), data)
	_, err := defaultCaps().extract(file, a, dir)
	must(t, err)
	info, err := os.Stat(filepath.Join(dir, a.library.name))
	must(t, err)
	if info.Mode().Perm()&0o111 == 0 {
		t.Errorf("mode %v: some systems refuse to load it", info.Mode())
	}
}
