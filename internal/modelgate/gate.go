package modelgate

import (
	"context"
	"fmt"
	"time"
)

// Gate tries models in a child process. Its fields are set once; it is safe
// for concurrent use.
type Gate struct {
	// Child is the command line of a process that calls Child (the function),
	// usually this program with a hidden command.
	Child []string
	// Runtime and Version are those of ONNX Runtime and penstock, and Library
	// is the path of ONNX Runtime's library. A verdict holds for the system,
	// the versions and the two files that found it.
	Runtime, Version, Library string
	// CacheDir is where verdicts are kept; "" keeps none.
	CacheDir string
	// NotKept is told why a verdict could not be kept, which costs the next
	// start a trial and nothing else. It may be nil.
	NotKept func(error)
	// Limit is how long loading and one run may take together; 0 is 10s.
	Limit time.Duration
	// Memory is how many bytes they may take at least; 0 is 1 GiB. A large
	// file may take memoryPerByte times its size.
	Memory int64
}

const (
	defaultLimit  = 10 * time.Second
	defaultMemory = 1 << 30
	memoryPerByte = 6
)

// Try has the model loaded and run once by a child process, unless a verdict
// on the same bytes and request is known. request is for the function that the
// child runs: what the warm-up run needs. A *Refusal says that the model must
// not be loaded here; any other error, that it could not be tried.
func (g *Gate) Try(ctx context.Context, m *Model, request []byte) error {
	limits := g.limits(len(m.Bytes))
	file := g.verdictFile(m, request, limits)
	if v, ok := load(file); ok {
		return v.refusal()
	}
	v, err := g.try(ctx, m, request, limits)
	if err != nil {
		return err
	}
	if v.definite && file != "" {
		if err := v.save(file); err != nil && g.NotKept != nil {
			g.NotKept(fmt.Errorf("keep the verdict on the model: %w", err))
		}
	}
	return v.refusal()
}

// limits bound one trial.
type limits struct {
	Time   time.Duration
	Memory int64
}

// limits are what the trial of a file of that many bytes may take.
func (g *Gate) limits(size int) limits {
	l := limits{Time: g.Limit, Memory: g.Memory}
	if l.Time == 0 {
		l.Time = defaultLimit
	}
	if l.Memory == 0 {
		l.Memory = defaultMemory
	}
	l.Memory = max(l.Memory, memoryPerByte*int64(size))
	return l
}

// verdict is what a trial found.
type verdict struct {
	Refused string // why the model is refused, "" when it passed
	// definite verdicts follow from the bytes alone and are kept. A model that
	// took too long, took too much memory or crashed may fare better when the
	// machine is less busy or another one.
	definite bool
}

func (v verdict) refusal() error {
	if v.Refused == "" {
		return nil
	}
	return &Refusal{Text: v.Refused}
}
