package cli

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/driftfile"
	"github.com/penstock/penstock/internal/eventfile"
)

// scoring scores the events of files on all cores and writes the records in
// the order of the events.
//
// Work travels in jobs, each a chunk of some hundred events with the memory for
// its output, so that handing over costs next to nothing an event. There is a
// fixed number of jobs, which is the bound of everything that is in flight:
//
//	reader:  takes a free job, fills its chunk, queues it twice
//	workers: take any queued job, score it, and say that it is done
//	writer:  takes the jobs in reading order, waits for each, writes, frees it
//
// Collecting results until their turn comes was left out: it has no bound when
// one job is slow.
type scoring struct {
	model   *loadedModel
	workers int
	count   func() *scoredCount // of a worker that counts rows; nil: records are written

	free    chan *job // ready to be filled
	queue   chan *job // to be scored, by any worker
	ordered chan *job // to be written, in reading order
}

// minJobRows is how many events a job has at least, in whole batches: with
// fewer the handing over shows. With more, a short file would leave workers of
// a slow model without work.
const minJobRows = 128

// job is a chunk on its way.
type job struct {
	chunk   eventfile.Chunk
	columns *inference.Columns // nil for JSON lines
	read    int64              // bytes of all inputs up to and with this chunk
	records []byte             // predictions, one a line
	rejects []byte             // lines for --rejects
	tally   tally
	notes   driftfile.Notes // of rows that are counted
	err     error
	done    chan struct{} // holds one token once the worker has finished
}

// input opens one file or stream of events.
type input func(o eventfile.Options) (*eventfile.Reader, error)

// run scores the inputs' events, one input after the other, and gives each job
// to out, which must not keep its bytes. What was scored before an error is
// given out before the error is returned.
func (s *scoring) run(ctx context.Context, inputs []input, out func(*job) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers, err := s.openWorkers()
	if err != nil {
		return err
	}
	jobs := 2*s.workers + 2
	s.free, s.queue, s.ordered = make(chan *job, jobs), make(chan *job, jobs), make(chan *job, jobs)
	for range jobs {
		s.free <- &job{done: make(chan struct{}, 1)}
	}
	var running sync.WaitGroup
	for _, w := range workers {
		running.Go(func() { s.work(ctx, w) })
	}
	// A read from a terminal or a pipe cannot be interrupted, so that nobody
	// waits for the reader when all is cut short. It owns and closes the files.
	var readErr error
	go func() {
		defer close(s.ordered)
		readErr = s.read(ctx, inputs)
	}()
	err = s.write(ctx, out)
	if err == nil {
		err = readErr // ordered is closed, so the reader has returned
	}
	cancel()
	running.Wait()
	return errors.Join(err, closeAll(workers))
}

// read fills jobs with the inputs' events.
func (s *scoring) read(ctx context.Context, inputs []input) error {
	o := eventfile.Options{Rows: s.model.batchRows * ((minJobRows-1)/s.model.batchRows + 1)}
	var spare *job
	var before int64
	for _, open := range inputs {
		r, err := open(o)
		if err != nil {
			return err
		}
		spare, err = s.readOne(ctx, r, spare, before)
		done, _ := r.Progress()
		before += done
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// readOne reads one input to its end. It begins with the job that the input
// before left over, and gives back its own. before is how many bytes those had.
func (s *scoring) readOne(ctx context.Context, r *eventfile.Reader, spare *job, before int64) (*job, error) {
	var table *eventfile.Table
	var columns *inference.Columns
	for j := spare; ; j = nil {
		if j == nil {
			select {
			case j = <-s.free:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		err := r.Next(&j.chunk)
		if errors.Is(err, io.EOF) {
			return j, nil
		}
		if err != nil {
			return nil, err
		}
		if t := j.chunk.Table(); t != table {
			table, columns = t, s.model.bind(t)
		}
		done, _ := r.Progress()
		j.columns, j.read = columns, before+done
		s.ordered <- j // neither blocks: both have room for every job
		s.queue <- j
	}
}

// work scores queued jobs until ctx ends.
func (s *scoring) work(ctx context.Context, w *worker) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-s.queue:
			j.err = w.score(ctx, j)
			j.done <- struct{}{}
		}
	}
}

// write gives the jobs out in reading order.
func (s *scoring) write(ctx context.Context, out func(*job) error) error {
	for {
		var j *job
		select {
		case <-ctx.Done():
			return ctx.Err()
		case j = <-s.ordered:
		}
		if j == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-j.done:
		}
		if err := errors.Join(out(j), j.err); err != nil {
			return err
		}
		s.free <- j
	}
}
