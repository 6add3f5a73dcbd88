package web

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReloadedKeepsWhatItHas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "first")
	loads := 0
	r, err := openReloaded(slog.New(slog.DiscardHandler), func() (string, error) {
		loads++
		text, err := os.ReadFile(path)
		if string(text) == "bad" {
			err = errors.New("it is bad")
		}
		return string(text), err
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text  string // "": the file goes
		later bool   // than reloadAfter
		want  string
		loads int
	}{
		{"first", true, "first", 1},
		{"a second", false, "first", 1},
		{"a second", true, "a second", 2},
		{"bad", true, "a second", 3},
		{"bad", true, "a second", 3}, // it is told of once
		{"", true, "a second", 4},
		{"the third", true, "the third", 5},
	} {
		if step.text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else if text, err := os.ReadFile(path); err != nil || string(text) != step.text {
			write(t, path, step.text)
		}
		r.checked = time.Now()
		if step.later {
			r.checked = r.checked.Add(-reloadAfter)
		}
		if got := r.get(); got != step.want || loads != step.loads {
			t.Errorf("after %q: %q in %d loads, not %q in %d", step.text, got, loads, step.want, step.loads)
		}
	}
}
