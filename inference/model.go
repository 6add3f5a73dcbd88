package inference

import (
	"errors"
	"time"
)

// Model is a loaded model. It is safe for concurrent use; every worker takes a
// Runner of its own. Close comes after all its Runners are closed and may be
// called twice.
type Model interface {
	// Inputs and Outputs come in the model's own order, which Runner.Run keeps.
	Inputs() []TensorInfo
	Outputs() []TensorInfo
	// Metadata is the model's metadata_props; not to be changed.
	Metadata() map[string]string
	NewRunner() (Runner, error)
	Close() error
}

// Runner runs a model for one goroutine at a time and reuses what it can
// between runs. Close may be called twice.
type Runner interface {
	// Run reads in, one tensor an input, and fills out, one tensor an output,
	// resizing them; the runtime decides the shapes of out. An output whose
	// entry in out is nil is not wanted, and so neither copied nor, where the
	// runtime can leave it out, computed. Both are the caller's: the Runner may
	// keep in's memory pinned until Close, and does not touch either between
	// calls. A run longer than limit is cut and gives ErrTimeout; 0 means no
	// limit. A runtime may notice only between two operators that its time is
	// up, so one long operator is never cut short. Any other error says that
	// this run failed; whether the rows or the runtime are to blame the caller
	// finds out.
	Run(in, out []*Tensor, limit time.Duration) error
	Close() error
}

// ErrTimeout says that a run was cut at its time limit. Halve the batch, or
// blame the event when it is alone.
var ErrTimeout = errors.New("model run exceeded its time limit")

// ErrMadeUpRow says that the model fails on a row that nobody calls a good one.
// It may be used all the same; give it an example of an event, so that a broken
// runtime can be told from bad events from the start.
var ErrMadeUpRow = errors.New("the model fails on a made-up row (zeros and empty text)")

// ErrDevice says that a model cannot run on the device that its config asks for:
// name another one, or a runtime that has it.
var ErrDevice = errors.New("device")

// ErrBroken says that the model fails on a good row too, or on each row of a
// batch while no row is known to be good, so that no event is to blame. Commit
// what precedes (Scores.Done), abort the epoch, wait with back-off and try
// again.
var ErrBroken = errors.New("model fails and no event is to blame: the runtime or the device is broken")
