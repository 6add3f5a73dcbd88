//go:build linux

package modelgate

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/inference/onnxfile"
)

const models = "../../testdata/models"

func TestReadOfBadModels(t *testing.T) {
	reasons := map[string]onnxfile.Reason{
		"truncated": onnxfile.Truncated, "not_onnx": onnxfile.NotONNX, "empty": onnxfile.Empty, "external_data": onnxfile.ExternalData,
		"huge_dims": onnxfile.AbsurdTensor, "unknown_op": onnxfile.ForeignOperator, "cyclic": onnxfile.Cyclic,
	}
	for name, reason := range reasons {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(models, "bad", name+".onnx")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			m, err := Read(path)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			for range 2 { // the best of three: a busy machine may stop one of them
				start = time.Now()
				_, _ = Read(path)
				took = min(took, time.Since(start))
			}
			r, ok := errors.AsType[*Refusal](err)
			if !ok || m != nil {
				t.Fatalf("%v is no refusal", err)
			}
			if cause, ok := r.Cause.(*onnxfile.Refusal); !ok || cause.Reason != reason {
				t.Errorf("refused because %v, want %s", r.Cause, reason)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; took > 50*time.Millisecond || allocated > 20<<20 {
				t.Errorf("took %v and %d bytes", took, allocated)
			}
		})
	}
}

func TestReadOfGoodModels(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(models, "*", "model.onnx"))
	if err != nil || len(paths) < 11 {
		t.Fatalf("found %d models: %v", len(paths), err)
	}
	for _, path := range append(paths, filepath.Join(models, "bad", "nan_model.onnx"), filepath.Join(models, "bad", "slow_model.onnx")) {
		m, err := Read(path)
		if err != nil {
			t.Error(err)
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		digest := fmt.Sprintf("%x", sha256.Sum256(b))
		if string(m.Bytes) != string(b) || m.Digest != "sha256:"+digest || len(m.File.Inputs) == 0 {
			t.Errorf("%s: read %d of %d bytes with digest %s, want %s", path, len(m.Bytes), len(b), m.Digest, digest)
		}
		for _, want := range []string{digest, "sha256:" + strings.ToUpper(digest)} {
			if err := m.Expect(want); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		err = m.Expect(strings.Repeat("0", 64))
		if r, ok := errors.AsType[*Refusal](err); !ok || !strings.Contains(r.Text, digest) {
			t.Errorf("%s: another digest gives %v", path, err)
		}
	}
}

// within makes a folder with a good model file in it.
func within(t *testing.T) (dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(models, "bad", "nan_model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, sub := range []string{"volume/..2026_11_21", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, sub, "model.onnx"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestReadFollowsLinksWithinTheFolder(t *testing.T) {
	dir := within(t)
	volume := filepath.Join(dir, "volume")
	link(t, "..2026_11_21", filepath.Join(volume, "..data")) // as Kubernetes lays out a ConfigMap
	link(t, "..data/model.onnx", filepath.Join(volume, "model.onnx"))
	link(t, "volume", filepath.Join(dir, "linked")) // the folder itself may be a link
	for _, path := range []string{"volume/model.onnx", "linked/model.onnx", "volume/..data/model.onnx"} {
		if _, err := Read(filepath.Join(dir, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Chdir(volume)
	if _, err := Read("model.onnx"); err != nil {
		t.Error(err)
	}
}

func TestReadRefuses(t *testing.T) {
	dir := within(t)
	volume := filepath.Join(dir, "volume")
	link(t, "../elsewhere/model.onnx", filepath.Join(volume, "out.onnx"))
	link(t, filepath.Join(volume, "..2026_11_21", "model.onnx"), filepath.Join(volume, "absolute.onnx"))
	link(t, "/dev/zero", filepath.Join(volume, "zero.onnx"))
	if err := syscall.Mkfifo(filepath.Join(volume, "pipe.onnx"), 0o600); err != nil {
		t.Fatal(err)
	}
	big, err := os.Create(filepath.Join(volume, "big.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(MaxSize + 1); err != nil { // sparse: takes no room
		t.Fatal(err)
	}
	big.Close()
	cases := []struct {
		path, says string
		refused    bool // else an error of the machine
	}{
		{"out.onnx", "a link to ../elsewhere/model.onnx", true},
		{"absolute.onnx", "relative paths", true},
		{"zero.onnx", "a link to /dev/zero", true},
		{"pipe.onnx", "no regular file", true},
		{"..2026_11_21", "a directory", true},
		{"big.onnx", "2147483649 bytes", true},
		{"missing.onnx", "no such file", false},
		{"missing/model.onnx", "no such file", false},
	}
	for _, c := range cases {
		t.Run(c.path, func(t *testing.T) {
			start := time.Now()
			_, err := Read(filepath.Join(volume, c.path))
			if _, ok := errors.AsType[*Refusal](err); err == nil || ok != c.refused || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v; want an error that says %q, refusal %v", err, c.says, c.refused)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	if _, err := Read(filepath.Join(volume, "missing.onnx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
}

// A special file that takes a model's place after the first look is neither
// waited for nor read.
func TestReadRegularLooksAgain(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	got := make(chan error, 1)
	go func() {
		_, err := readRegular(root, "pipe")
		got <- err
	}()
	select {
	case err := <-got:
		if r, ok := errors.AsType[*Refusal](err); !ok || !strings.Contains(r.Text, "no regular file") {
			t.Errorf("got %v; want a refusal of the pipe", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for the pipe's writer")
		if w, err := os.OpenFile(filepath.Join(dir, "pipe"), os.O_RDWR, 0); err == nil {
			w.Close()
		}
	}
}

// What is plainly no model, such as 2 GiB of nothing, costs its first bytes.
func TestReadOfALargeFileThatIsNoModelIsCheap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zeros.onnx")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, MaxSize); err != nil { // sparse: takes no room
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(path)
	runtime.ReadMemStats(&after)
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("%v is no refusal", err)
	}
	if cause, ok := r.Cause.(*onnxfile.Refusal); !ok || cause.Reason != onnxfile.NotONNX {
		t.Errorf("refused because %v, want %s", r.Cause, onnxfile.NotONNX)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("%d bytes were allocated", allocated)
	}
}

func TestReadAllOfAChangingFile(t *testing.T) {
	for _, size := range []int64{2, 4} {
		if _, err := readAll(strings.NewReader("abc"), size); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("3 bytes where %d were announced: %v", size, err)
		}
	}
	if b, err := readAll(strings.NewReader("abc"), 3); err != nil || string(b) != "abc" {
		t.Errorf("got %q, %v", b, err)
	}
}
