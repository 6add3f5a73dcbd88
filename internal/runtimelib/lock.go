package runtimelib

import (
	"context"
	"fmt"
	"os"
	"time"
)

// lock takes the file at path for this process and returns what gives it back.
// While another has it, it calls waiting once and tries again until ctx is
// done. The system drops the lock of a process that dies, so a stale file
// stops nobody; the file itself stays.
func lock(ctx context.Context, path string, waiting func()) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	const pause = 100 * time.Millisecond // neither system can wait for a lock and a context at once
	for first := true; ; first = false {
		taken, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if taken {
			return func() { f.Close() }, nil
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}
