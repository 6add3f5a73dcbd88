package runtimelib

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

const testPlatform = "linux/amd64"

// libraryBytes stands for a library; it compresses badly enough to be cut.
var libraryBytes = bytes.Repeat([]byte("\x7fELF library "), 4096)

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

type tarEntry struct {
	name string
	kind byte
	body []byte
}

func tgz(t *testing.T, entries ...tarEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o644, Size: int64(len(e.body))}
		if e.kind == tar.TypeSymlink {
			h.Linkname, h.Size = "/etc/passwd", 0
		}
		must(t, tw.WriteHeader(h))
		if e.kind == tar.TypeReg {
			_, err := tw.Write(e.body)
			must(t, err)
		}
	}
	must(t, tw.Close())
	must(t, zw.Close())
	return b.Bytes()
}

func zipped(t *testing.T, name string, mode fs.FileMode, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	w, err := zw.CreateHeader(h)
	must(t, err)
	_, err = w.Write(body)
	must(t, err)
	must(t, zw.Close())
	return b.Bytes()
}

// testArtifact pins file, which holds libraryBytes at member.
func testArtifact(version, name, member string, file []byte) artifact {
	return artifact{
		version: version,
		file:    pin{name: name, size: int64(len(file)), sha256: digest(file)},
		member:  member,
		library: pin{name: filepath.Base(member), size: int64(len(libraryBytes)), sha256: digest(libraryBytes)},
	}
}

// archiveFixture is a release archive as Microsoft's are, with its pin.
func archiveFixture(t *testing.T) (artifact, []byte) {
	t.Helper()
	file := tgz(t,
		tarEntry{"./ort-1.30.0/lib/libonnxruntime.so", tar.TypeSymlink, nil},
		tarEntry{"./ort-1.30.0/lib/libonnxruntime.so.1.30.0", tar.TypeReg, libraryBytes})
	return testArtifact("1.30.0", "ort-1.30.0.tgz", "ort-1.30.0/lib/libonnxruntime.so.1.30.0", file), file
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, b, 0o755))
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// entries lists what lies below dir, relative to it.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	}))
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
