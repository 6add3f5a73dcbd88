package modelgate

import (
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"github.com/penstock/penstock/internal/childproc"
)

const (
	// watchInterval is how often the child's memory is looked at. There is
	// nothing to wait on; the child's own limit holds in between.
	watchInterval = 20 * time.Millisecond
)

// trial is one child at work.
type trial struct {
	cmd    *exec.Cmd
	limits limits
	out    report
	err    childproc.Tail
}

// end is why the parent killed the child.
type end int

const (
	itself end = iota // it did not
	tooSlow
	tooBig
	cancelled
)

func (g *Gate) try(ctx context.Context, m *Model, request []byte, l limits) (verdict, error) {
	nonce := rand.Text()
	t := &trial{cmd: exec.Command(g.Child[0], g.Child[1:]...), limits: l, out: newReport(nonce), err: childproc.NewErrorTail()}
	o := order{Nonce: nonce, Memory: l.Memory}
	in, err := o.send(request, m.Bytes)
	if err != nil {
		return verdict{}, fmt.Errorf("try the model: %w", err)
	}
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr = in, &t.out, &t.err
	t.cmd.WaitDelay = time.Second // for output of what the child left behind
	childproc.Confine(t.cmd)
	remove, err := isolate(t.cmd)
	if err != nil {
		return verdict{}, fmt.Errorf("try the model in a child process: %w", err)
	}
	defer remove()
	ended, err := t.run(ctx)
	if err != nil {
		return verdict{}, fmt.Errorf("try the model in a child process: %w", err)
	}
	if ended == cancelled {
		return verdict{}, ctx.Err()
	}
	return t.judge(ended)
}

// run starts the child and watches it to its end.
func (t *trial) run(ctx context.Context) (end, error) {
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(exited)
		// The child dies with the thread that started it, so that thread must
		// last as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := t.cmd.Start()
		started <- err
		if err == nil {
			childproc.AwaitEnd(t.cmd)
		}
	}()
	if err := <-started; err != nil {
		<-exited
		return itself, err
	}
	ended := t.watch(ctx, exited)
	// Also where it ended itself, for what it started. Nothing has taken its
	// number from it yet: that does Wait.
	_ = childproc.Kill(t.cmd)
	<-exited
	_ = t.cmd.Wait() // ProcessState and the output say it all
	return ended, nil
}

// watch waits for the child to exit or to exceed a limit. Its time begins when
// it is ready; getting so far may take as long again.
func (t *trial) watch(ctx context.Context, exited <-chan struct{}) end {
	timeout := time.NewTimer(t.limits.Time)
	defer timeout.Stop()
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	ready := t.out.ready
	for {
		select {
		case <-exited:
			return itself
		case <-ready:
			ready = nil
			timeout.Reset(t.limits.Time)
		case <-timeout.C:
			return tooSlow
		case <-ctx.Done():
			return cancelled
		case <-ticker.C:
			if childproc.ResidentMemory(t.cmd.Process.Pid) > t.limits.Memory {
				return tooBig
			}
		}
	}
}
