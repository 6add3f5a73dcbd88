package web

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// reloadAfter is how long files may have changed before that is noticed.
const reloadAfter = time.Second

// reloaded is what files hold. They are looked at when it is used, at most once
// in reloadAfter; one request reads them, others go on with what was there. What
// cannot be read, as while it is half written, changes nothing.
type reloaded[T any] struct {
	load  func() (T, error)
	paths []string
	log   *slog.Logger
	value atomic.Pointer[T]

	mu      sync.Mutex // protects what follows; nobody waits for it
	checked time.Time
	read    string // what the files were like
}

// openReloaded loads for the first time, when an error is one.
func openReloaded[T any](log *slog.Logger, load func() (T, error), paths ...string) (*reloaded[T], error) {
	r := &reloaded[T]{load: load, paths: paths, log: log, checked: time.Now()}
	r.read = r.stamp()
	value, err := load()
	if err != nil {
		return nil, err
	}
	r.value.Store(&value)
	return r, nil
}

func (r *reloaded[T]) get() T {
	if r.mu.TryLock() {
		defer r.mu.Unlock()
		if now := time.Now(); now.Sub(r.checked) >= reloadAfter {
			r.checked = now
			r.check()
		}
	}
	return *r.value.Load()
}

// check loads again when the files are not what they were.
func (r *reloaded[T]) check() {
	stamp := r.stamp()
	if stamp == r.read {
		return
	}
	r.read = stamp // a file that is bad is told of once
	value, err := r.load()
	if err != nil {
		r.log.Warn("keep what was read before", "files", r.paths, "error", err)
		return
	}
	r.value.Store(&value)
	r.log.Info("read again", "files", r.paths)
}

// stamp changes when a file does. Links are followed: mounted secrets are links
// that are changed as one.
func (r *reloaded[T]) stamp() string {
	var stamp strings.Builder
	for _, path := range r.paths {
		info, err := os.Stat(path)
		if err != nil {
			return err.Error()
		}
		stamp.WriteString(fmt.Sprintln(info.ModTime().UnixNano(), info.Size()))
	}
	return stamp.String()
}
