package cli

import (
	"context"
	"errors"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/driftfile"
)

// worker scores jobs on one goroutine with a batch and a scorer of its own.
type worker struct {
	batch    *inference.Batch
	scorer   *inference.Scorer
	encoder  *inference.Encoder
	rejected []*penstock.Rejection // of the events of the batch at hand, nil when it has a row

	keepRejects bool         // somebody wants the lines of rejected events
	counter     *scoredCount // counts rows instead of writing records; nil: records are written
}

func (s *scoring) openWorkers() ([]*worker, error) {
	var workers []*worker
	for range s.workers {
		w, err := s.model.newWorker()
		if err != nil {
			return nil, errors.Join(err, closeAll(workers))
		}
		if s.count != nil {
			w.counter = s.count()
		}
		workers = append(workers, w)
	}
	return workers, nil
}

func closeAll(workers []*worker) error {
	var err error
	for _, w := range workers {
		err = errors.Join(err, w.scorer.Close())
	}
	return err
}

// score scores a job's events batch by batch. An error is the runtime's, never
// an event's; the records of the events before it are there.
func (w *worker) score(ctx context.Context, j *job) error {
	j.records, j.rejects, j.tally, j.notes = j.records[:0], j.rejects[:0], tally{}, driftfile.Notes{}
	for first := 0; first < j.chunk.Len(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := w.decode(j, first)
		scores, err := w.scorer.Score(w.batch)
		if w.counter != nil {
			w.count(j, first, end, scores)
		} else {
			w.encode(j, first, end, scores)
		}
		if err != nil {
			return err
		}
		first = end
	}
	return nil
}

// decode fills the batch with the events from first on and returns the first
// one that it did not look at.
func (w *worker) decode(j *job, first int) (end int) {
	w.batch.Reset()
	clear(w.rejected)
	w.rejected = w.rejected[:0]
	i := first
	for ; i < j.chunk.Len() && !w.batch.Full(); i++ {
		r := j.chunk.Rejection(i)
		switch {
		case r != nil:
		case j.columns != nil:
			r = w.batch.DecodeCells(j.columns, j.chunk.Cells(i))
		default:
			r = w.batch.DecodeJSON(j.chunk.Value(i))
		}
		w.rejected = append(w.rejected, r)
		if w.counter != nil && r != nil {
			w.counter.rejectedAt(w.batch)
		}
	}
	return i
}

// encode appends a record or a reject for each of the events first..end-1, up to
// one that is not settled because the runtime broke.
func (w *worker) encode(j *job, first, end int, scores *inference.Scores) {
	now := time.Now().UnixNano()
	row := 0
	for i := first; i < end; i++ {
		r := w.rejected[i-first]
		if r == nil {
			if row == scores.Done() {
				return
			}
			r = scores.Rejection(row)
			if r == nil {
				stamp := inference.Stamp{ID: j.chunk.ID(i), Time: now, Record: inference.NoTime}
				j.records = append(w.encoder.Append(j.records, &stamp, scores, row), '\n')
				j.tally.predicted++
			}
			row++
		}
		if r != nil {
			j.reject(i, r, w.keepRejects)
		}
	}
}
