package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// How long the server stays down after a failed write: each time twice as long,
// until it has run well for a while.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
	wellFor      = time.Minute
)

// Health is empty when all is well, otherwise a sentence on what is not.
func (n *NATS) Health() string {
	n.mu.Lock()
	s, trouble := n.server, n.trouble
	n.mu.Unlock()
	var away []string
	if trouble == nil && s != nil {
		away, trouble = ailing(s)
	}
	switch {
	case trouble != nil:
		return fmt.Sprintf("the embedded NATS is down, and starts again by itself once it can write to %s: %v", n.opts.Dir, trouble)
	case s == nil:
		return "the embedded NATS is closed"
	}
	// A batch that finds no room is refused without a word in the server's log.
	if err := try(n.opts.Dir, spare); err != nil {
		return fmt.Sprintf("the embedded NATS has no room left in %s: %v", n.opts.Dir, err)
	}
	if n.full(s) {
		return fmt.Sprintf("the streams of the embedded NATS take all of the %d bytes that max_bytes allows: nothing more is taken until some of it expires or is deleted", n.opts.MaxBytes)
	}
	if lost := n.stillLost(s, away); len(lost) > 0 {
		return fmt.Sprintf("the embedded NATS could not read all of %s when it started, and goes on without %s; its warnings in the log say why", n.opts.Dir, strings.Join(lost, ", "))
	}
	return ""
}

// lostAfter is how long what could not be read at a start must be away to count.
// Who comes in by Listen may be making a stream at that very moment.
const lostAfter = 3 * time.Second

// stillLost is what was away when s started and has been since; away is what is
// so now.
func (n *NATS) stillLost(s *server.Server, away []string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server != s {
		return nil
	}
	n.lost = slices.DeleteFunc(n.lost, func(what string) bool { return !slices.Contains(away, what) })
	if time.Since(n.started) < lostAfter {
		return nil
	}
	return slices.Clone(n.lost)
}

// Lost tells whether the server could not read a stream when it started. Its
// folder is there: who made it anew would begin again with all that was done.
func (n *NATS) Lost(stream string) bool {
	n.mu.Lock()
	s, lost := n.server, slices.Contains(n.lost, "stream "+stream)
	n.mu.Unlock()
	if !lost || s == nil {
		return false
	}
	away, _ := ailing(s) // or it was only being made when the server started
	return slices.Contains(away, "stream "+stream)
}

// ailing is what is away of a server's streams, and what keeps it from writing.
// Away is what has a folder and is not known: what the server could not read when
// it started is so for good, and the rest for a moment, while it is made or
// deleted.
func ailing(s *server.Server) (away []string, trouble error) {
	if !s.JetStreamEnabled() {
		return nil, errors.New("JetStream has stopped; the log says why")
	}
	for _, found := range check(s) {
		switch {
		case strings.Contains(found.Error, " write error: "):
			return nil, errors.New(found.Error)
		case strings.HasPrefix(found.Stream, "."): // it is being deleted, also if that was cut short
		case found.Stream != "":
			away = append(away, "stream "+found.Stream)
		case found.Account != "":
			away = append(away, "account "+found.Account)
		}
	}
	return away, nil
}

// check is what nats-server finds wrong with itself. Unless it has a millisecond
// to itself it says that it takes no connections, and looks no further.
func check(s *server.Server) []server.HealthzError {
	for range 10 {
		found := s.Healthz(&server.HealthzOptions{Details: true}).Errors
		if len(found) == 0 || found[0].Type != server.HealthzErrorConn {
			return found
		}
	}
	return nil // it is being closed
}

// watch restarts a server that cannot write any more, or could not from the start,
// until ctx ends.
func (n *NATS) watch(ctx context.Context) {
	defer close(n.done)
	pause, since := firstPause, time.Now()
	for {
		if n.server != nil { // nobody else changes it while this runs
			trouble := n.failed(ctx)
			if trouble == nil {
				return
			}
			if time.Since(since) > wellFor {
				pause = firstPause
			}
			n.log.Error("the embedded NATS is stopped until it can write", "error", trouble)
			n.shutdown(trouble)
		}
		if pause = n.mend(ctx, pause); ctx.Err() != nil {
			return
		}
		since = time.Now()
		n.log.Info("the embedded NATS can write again")
	}
}

// failed waits until the server cannot write any more, and says why; nil once ctx
// has ended.
func (n *NATS) failed(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.spoken:
		}
		if _, trouble := ailing(n.server); trouble != nil {
			return trouble
		}
	}
}

// mend starts the server again once it can, or until ctx ends. It gives the pause
// for the next time.
func (n *NATS) mend(ctx context.Context, pause time.Duration) time.Duration {
	for {
		timer := time.NewTimer(pause)
		pause = min(2*pause, longestPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return pause
		case <-timer.C:
		}
		err := n.start()
		if err == nil {
			return pause
		}
		n.mu.Lock()
		n.trouble = err
		n.mu.Unlock()
	}
}

// spare is what must be free beside all that is known: a message of the largest
// size.
const spare = 1 << 20

// room is nil when dir takes what a server writes to it when it starts: the rest
// of an atomic batch that was committed in part. It tries once, and takes what
// fails for done, so that half a batch would remain. What there may be of one
// lies in folders called batches.
func room(dir string) error {
	need := int64(spare)
	tree := os.DirFS(dir)
	staged, err := fs.Glob(tree, server.JetStreamStoreDir+"/*/streams/*/batches")
	if err != nil {
		return err
	}
	for _, batches := range staged {
		err := fs.WalkDir(tree, batches, func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				need += info.Size()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return try(dir, need)
}

// trial is the pattern of the files that try writes.
const trial = "penstock.room-*"

// sweep removes what a process that was killed in try left in dir. What cannot
// be removed takes room, no more.
func sweep(dir string) {
	left, _ := fs.Glob(os.DirFS(dir), trial) // the pattern is sound
	for _, file := range left {
		_ = os.Remove(filepath.Join(dir, file))
	}
}

// try writes so many bytes to dir and removes them.
func try(dir string, size int64) error {
	f, err := os.CreateTemp(dir, trial)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	zeros := make([]byte, spare)
	for size > 0 {
		n, err := f.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return f.Close()
}
