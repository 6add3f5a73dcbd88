package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/eventfile"
)

// destination is where events are sent. One goroutine uses it.
type destination interface {
	name() string
	// publish sends an event, whose bytes are the caller's again at once. It
	// waits where too many are on their way. errTooLarge: it was not sent, and the
	// next one may be.
	publish(ctx context.Context, event []byte) error
	// flush waits until it is known of all events what became of them.
	flush(ctx context.Context) error
	close()
}

// errTooLarge says that the source does not take an event of this size.
var errTooLarge = errors.New("the event is too large for the source")

// sending is one run of the command.
type sending struct {
	to   destination
	pace pace
	bar  *progress

	sent   tally // given to the client
	acked  atomic.Int64
	failed atomic.Pointer[error] // the first event that the broker did not take

	left      int64  // events that were too large
	firstLeft string // the file and line of the first of them
}

func (s *sending) run(ctx context.Context, inputs []input) error {
	s.pace.start = time.Now()
	var read int64
	var err error
	for _, open := range inputs {
		var done int64
		done, err = s.file(ctx, open, read)
		if read += done; err != nil {
			break
		}
	}
	// What was given out is on its way also when there is no more to come.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	if flushErr := s.to.flush(ctx); err == nil {
		err = flushErr
	}
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return err
}

// file publishes one file, and gives the bytes that it read.
func (s *sending) file(ctx context.Context, open input, before int64) (done int64, err error) {
	r, err := open(eventfile.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var chunk eventfile.Chunk
	for {
		err := r.Next(&chunk)
		done, _ = r.Progress()
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
		for i := range chunk.Len() {
			err := errTooLarge
			if chunk.Rejection(i) == nil {
				err = s.event(ctx, chunk.Value(i))
			}
			if errors.Is(err, errTooLarge) {
				s.leaveOut(chunk.ID(i))
				continue
			}
			if err != nil {
				return done, err
			}
			s.bar.update(&s.sent, before+done, time.Now())
		}
	}
}

// event publishes one event when it is its time.
func (s *sending) event(ctx context.Context, value []byte) error {
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	if err := s.pace.wait(ctx, s.sent.predicted); err != nil {
		return err
	}
	if err := s.to.publish(ctx, value); err != nil {
		return err
	}
	s.sent.predicted++
	return nil
}

func (s *sending) leaveOut(line penstock.EventID) {
	if s.left++; s.left == 1 {
		s.firstLeft = fmt.Sprintf("%s:%d", line.Source, line.Offset+1)
	}
}

// finished is told by the destination of each event, by whichever goroutine: the
// broker has it, or has not taken it.
func (s *sending) finished(err error) {
	if err != nil {
		s.failed.CompareAndSwap(nil, &err)
		return
	}
	s.acked.Add(1)
}

func (s *sending) summarize(se *session, topic string) {
	took, acked := time.Since(s.bar.started), s.acked.Load()
	t := tally{predicted: acked}
	if se.logJSON {
		se.log.Info("sent", "topic", topic, "events", acked, "seconds", took.Seconds(), "left_out", s.left, "first_left_out", s.firstLeft)
		return
	}
	fmt.Fprintf(se.Err, "%s events in %s (%s/s) to %s", count(acked), took.Round(time.Millisecond), rate(&t, took), topic)
	if s.left == 1 {
		fmt.Fprintf(se.Err, "; %s was too large and left out", s.firstLeft)
	} else if s.left > 1 {
		fmt.Fprintf(se.Err, "; %s lines were too large and left out, the first is %s", count(s.left), s.firstLeft)
	}
	fmt.Fprintln(se.Err)
}

// pace spreads events evenly over time. When it falls behind it catches up, so
// that what a slow broker delays is seen as delay and not as less load.
type pace struct {
	start time.Time
	rate  float64 // a second; 0: no limit
}

// wait waits until event n, from 0, is due.
func (p *pace) wait(ctx context.Context, n int64) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	due := p.start.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	early := time.Until(due)
	if early <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(early):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
