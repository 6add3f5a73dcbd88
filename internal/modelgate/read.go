package modelgate

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock/penstock/inference/onnxfile"
)

// MaxSize is the size in bytes of the largest model file that is read: no
// protobuf, and so no ONNX file, can be larger.
const MaxSize = 2 << 30

// Model is a model file that was read and walked.
type Model struct {
	Bytes  []byte // not to be changed
	Digest string // "sha256:" and 64 hex digits of Bytes
	File   *onnxfile.File
}

// Read reads a model file and walks it. Symbolic links are followed within the
// file's folder, as Kubernetes lays out its volumes, and not out of it. A
// model that must not be loaded gives a *Refusal.
func Read(path string) (*Model, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", path, err)
	}
	file, err := onnxfile.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", path, refused(err))
	}
	sum := sha256.Sum256(b)
	return &Model{Bytes: b, Digest: "sha256:" + hex.EncodeToString(sum[:]), File: file}, nil
}

// refused is the gate's refusal for one of the walk's.
func refused(walk error) *Refusal { return &Refusal{Text: walk.Error(), Cause: walk} }

// Expect refuses the model unless sha256, 64 hex digits with or without
// "sha256:" before them, is its digest.
func (m *Model) Expect(sha256 string) error {
	want := strings.TrimPrefix(strings.ToLower(sha256), "sha256:")
	if has := strings.TrimPrefix(m.Digest, "sha256:"); want != has {
		return &Refusal{Text: fmt.Sprintf("the model's sha256 is %s, but %s is expected; deploy the model that is meant, or correct the config", has, want)}
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, plain(err)
	}
	defer root.Close()
	name := filepath.Base(path)
	// Asking first keeps special files from being opened at all; the flags and
	// the second look are for one that takes the file's place in between.
	info, err := root.Stat(name)
	if err != nil {
		return nil, explain(root, name, err)
	}
	if err := acceptable(info); err != nil {
		return nil, err
	}
	return readRegular(root, name)
}

// readRegular reads a file, unless it turns out to be a special one.
func readRegular(root *os.Root, name string) ([]byte, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|openWithoutWaiting, 0)
	if err != nil {
		return nil, explain(root, name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, plain(err)
	}
	if err := acceptable(info); err != nil {
		return nil, err
	}
	return readAll(f, info.Size())
}

// acceptable refuses what is no file of bytes and what is too large to read.
func acceptable(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return &Refusal{Text: "it is a directory; give the .onnx file in it"}
	case !info.Mode().IsRegular():
		return &Refusal{Text: "it is no regular file; give the path of an .onnx file"}
	case info.Size() > MaxSize:
		return &Refusal{Text: fmt.Sprintf("it has %d bytes, and models of more than 2 GiB are not taken; quantize or split the model", info.Size())}
	}
	return nil
}

// readAll reads exactly size bytes, which is all that there may be. Its first
// bytes decide whether there will be memory for the rest.
func readAll(f io.Reader, size int64) ([]byte, error) {
	head := make([]byte, min(size, onnxfile.HeadSize))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, cutShort(err)
	}
	if err := onnxfile.CheckHead(head); err != nil {
		return nil, refused(err)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b[copy(b, head):]); err != nil {
		return nil, cutShort(err)
	}
	var one [1]byte
	if n, _ := f.Read(one[:]); n > 0 {
		return nil, errChanged
	}
	return b, nil
}

var errChanged = errors.New("the file changed while it was read; try again, and replace models by renaming a complete file")

// cutShort words an error of reading as many bytes as the file had.
func cutShort(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errChanged
	}
	return plain(err)
}

// explain says which link leads out of the folder, which os.Root only hints at.
func explain(root *os.Root, name string, err error) error {
	if info, lerr := root.Lstat(name); lerr == nil && info.Mode()&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrNotExist) {
		target, _ := root.Readlink(name)
		return &Refusal{Text: fmt.Sprintf("it is a link to %s, and links are followed only within the model's own folder and by relative paths; give the path of the file itself", target)}
	}
	return plain(err)
}

// plain drops the name of the system call and the path, which the caller has
// in its own words.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
