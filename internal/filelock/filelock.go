// Package filelock lets one process at a time have a folder, by a lock on a file
// in it. The system drops the lock of a process that dies, so a stale file stops
// nobody; the file itself stays.
package filelock

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Take takes the file at path for this process and returns what gives it back.
// While another has it, it calls waiting once and tries again until ctx is
// done.
func Take(ctx context.Context, path string, waiting func()) (release func(), err error) {
	const pause = 100 * time.Millisecond // neither system can wait for a lock and a context at once
	for first := true; ; first = false {
		release, err := Try(path)
		if release != nil || err != nil {
			return release, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// Try takes the file at path and returns what gives it back, nil while another
// process, or somebody else in this one, has it.
func Try(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	taken, err := try(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !taken {
		f.Close()
		return nil, nil
	}
	return func() { f.Close() }, nil
}
