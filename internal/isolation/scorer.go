package isolation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
)

// Options say what the child is and what it gets.
type Options struct {
	// Command is the program that calls Serve, with its arguments; usually this
	// program with a hidden command. It runs in this process's working directory
	// and environment: unlike a model that is tried out, one that scores has had
	// both before.
	Command []string
	// Setup is what the child's open is given.
	Setup []byte
	// Timeout is that of one run of the model, 0 for none. The child keeps it by
	// itself; one that does not answer for much longer hangs, and is killed.
	Timeout time.Duration
	// Log is told of every child that died; nil tells nobody.
	Log *slog.Logger
}

const (
	// startLimit is what a child gets to load its model: a large one may have to
	// come over a network, and set up a device.
	startLimit = time.Minute
	// slack is what a request gets beside the model's runs.
	slack = 5 * time.Second
	// runsAllowed is how many times the timeout a request gets: a culprit among
	// many costs two, and one more shows that the model is healthy. A batch with
	// several that hang exceeds it, and is then scored event by event.
	runsAllowed = 4
	// deathsToBlame is how often a child must die on an event that is alone. Once
	// may be chance: the system kills whom it likes when memory runs out.
	deathsToBlame = 2
)

// Scorer scores events in a child, which it starts when there are events and
// starts again when it died. It serves one goroutine.
type Scorer struct {
	options Options
	child   *process // nil: there is none
	request request
}

// New makes a Scorer. It starts nothing yet.
func New(o Options) *Scorer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Scorer{options: o}
}

// Close ends the child. It may be called twice.
func (s *Scorer) Close() error {
	if s.child != nil {
		s.child.end()
		s.child = nil
	}
	return nil
}

// Score gives out a record or a rejection for each event, in order; wall is the
// records' time in Unix nanoseconds, and a record is valid during the call only.
// Tombstones and control records are not for it.
//
// The events go to the child together. Where it dies, those that it has not
// answered are given to its successors one by one, and one on which two of them
// die is rejected with ClassCrash. The error is for what is nobody's fault: a
// child that cannot be started or dies before it has scored its warm-up row, a
// runtime that is broken (inference.ErrBroken), the end of ctx. What was given
// out before it counts.
func (s *Scorer) Score(ctx context.Context, events []penstock.Event, wall int64, out func(i int, record []byte, rejection *penstock.Rejection)) error {
	alone, deaths := false, 0
	for next := 0; next < len(events); {
		if err := s.ready(ctx); err != nil {
			return err
		}
		count := s.fill(events[next:], wall, alone)
		answered, err := s.exchange(ctx, count, func(i int, record []byte, r *penstock.Rejection) { out(next+i, record, r) })
		next += answered
		if answered > 0 {
			deaths = 0
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, inference.ErrBroken):
			return err
		}
		how, said := s.child.end()
		s.child = nil
		if err := ctx.Err(); err != nil {
			return err
		}
		s.options.Log.Warn("the process that scores events apart from the others died", "event", events[next].ID.String(), "events", count-answered, "how", how, "said", said)
		// Only who was alone is known to have done it.
		if count-answered == 1 {
			deaths++
		}
		alone = true
		if deaths == deathsToBlame {
			out(next, nil, crashed(how))
			next++
			deaths = 0
		}
	}
	return nil
}

// crashed rejects an event that two children died on, the last one so.
func crashed(how string) *penstock.Rejection {
	return &penstock.Rejection{
		Class: penstock.ClassCrash, Offset: -1,
		Reason: fmt.Sprintf("the process died on this event, %d times: %s", deathsToBlame, how),
	}
}

// ready sees to it that there is a child.
func (s *Scorer) ready(ctx context.Context) error {
	if s.child != nil && s.child.gone() { // while nobody asked it anything
		s.child.end()
		s.child = nil
	}
	if s.child != nil {
		return nil
	}
	child, err := start(ctx, &s.options)
	if err != nil {
		return fmt.Errorf("score in a child process: %w", err)
	}
	s.child = child
	return nil
}

// fill puts events into the request, as many as it takes or one, and says how
// many.
func (s *Scorer) fill(events []penstock.Event, wall int64, alone bool) int {
	s.request.reset(wall)
	count := 0
	for count < len(events) && (count == 0 || !alone) && s.request.add(&events[count]) {
		count++
	}
	return count
}

// exchange sends the request and gives out the answers to its events. The error
// is inference.ErrBroken when the child is well, and else it died or is out of
// its mind.
func (s *Scorer) exchange(ctx context.Context, count int, out func(i int, record []byte, rejection *penstock.Rejection)) (answered int, err error) {
	limit := time.Duration(1<<63 - 1)
	if s.options.Timeout > 0 {
		limit = runsAllowed*s.options.Timeout + slack
	}
	err = s.child.within(ctx, limit, func() error {
		if err := s.child.send(s.request.frame()); err != nil {
			return err
		}
		for ; answered < count; answered++ {
			kind, body, err := s.child.answer()
			if err != nil {
				return err
			}
			switch kind {
			case isRecord:
				out(answered, body, nil)
			case isRejected:
				r, err := parseRejection(body)
				if err != nil {
					return err
				}
				out(answered, nil, r)
			case isBroken:
				return broken(body)
			default:
				return errOrder
			}
		}
		return nil
	})
	return answered, err
}

// broken is inference.ErrBroken in the child's words.
type broken string

func (b broken) Error() string      { return "score in a child process: " + string(b) }
func (broken) Is(target error) bool { return target == inference.ErrBroken }
