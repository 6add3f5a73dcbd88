package isolation

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/penstock/penstock/internal/childproc"
)

// process is one child.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	err    childproc.Tail
	nonce  []byte
	buf    []byte        // of the answer at hand
	exited chan struct{} // closed when the child is gone, and its number still its own

	mu     sync.Mutex // guards waited and killed
	waited bool       // its number may be another process's
	killed string     // why we ended it, "" when we did not
}

// start starts the program and hands over the setup.
func start(ctx context.Context, o *Options) (*process, error) {
	p := &process{
		cmd: exec.Command(o.Command[0], o.Command[1:]...), err: childproc.NewErrorTail(),
		nonce: []byte(rand.Text()), exited: make(chan struct{}),
	}
	p.cmd.Stderr = &p.err
	p.cmd.WaitDelay = time.Second // for what the child left behind
	childproc.Confine(p.cmd)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	p.in, p.out = in, bufio.NewReader(out)
	started := make(chan error, 1)
	go func() {
		defer close(p.exited)
		// The child dies with the thread that started it, so that thread must
		// last as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			childproc.AwaitEnd(p.cmd)
		}
	}()
	if err := <-started; err != nil {
		<-p.exited
		return nil, err // Start has closed the pipes
	}
	return p, p.setUp(ctx, o)
}

// errUnready says that the child could not make the model ready, in its words.
var errUnready = errors.New("the model does not open there")

// setUp hands over the setup and waits until the model is ready. After an error
// the child is gone.
func (p *process) setUp(ctx context.Context, o *Options) error {
	frame := append(append(make([]byte, 4), p.nonce...), o.Setup...)
	err := p.within(ctx, startLimit, func() error {
		if err := p.send(sized(frame)); err != nil {
			return err
		}
		kind, body, err := p.answer()
		switch {
		case err != nil:
			return err
		case kind == isUnready:
			return fmt.Errorf("%w: %s", errUnready, body)
		case kind != isReady:
			return errOrder
		}
		return nil
	})
	if err == nil {
		return nil
	}
	how, said := p.end()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errUnready):
		return err
	}
	return fmt.Errorf("it never got as far as scoring a row: %s; it said: %s", how, cmp.Or(said, "nothing"))
}

var errOrder = errors.New("an answer that was not asked for")

func (p *process) send(frame []byte) error {
	_, err := p.in.Write(frame)
	return err
}

// answer reads the next answer, which is valid until the one after.
func (p *process) answer() (kind byte, body []byte, err error) {
	kind, body, p.buf, err = readAnswer(p.out, p.nonce, p.buf)
	return kind, body, err
}

// within ends the child when do takes longer than limit or ctx ends first. Both
// make do return: its pipes break.
func (p *process) within(ctx context.Context, limit time.Duration, do func() error) error {
	timer := time.AfterFunc(limit, func() { p.kill(fmt.Sprintf("no answer within %v", limit)) })
	defer timer.Stop()
	stop := context.AfterFunc(ctx, func() { p.kill("cancelled") })
	defer stop()
	return do()
}

// kill ends the child for a reason, unless it is gone.
func (p *process) kill(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waited {
		return
	}
	if p.killed == "" {
		p.killed = why
	}
	_ = childproc.Kill(p.cmd) // it may have ended by itself
}

// gone tells whether the child has ended.
func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// diesWithin is what a child gets to end by itself once its input is closed.
const diesWithin = 2 * time.Second

// end waits for the child's end, which its own crash or the closed input brings
// about and else we do. It says how it came about, and what the child said. It
// may be called once.
func (p *process) end() (how, said string) {
	_ = p.in.Close() // all has been said
	timer := time.NewTimer(diesWithin)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		p.kill("it did not end by itself")
		<-p.exited
	}
	p.mu.Lock()
	_ = childproc.Kill(p.cmd) // what it started; its own number is still taken
	p.waited = true
	how = p.killed
	p.mu.Unlock()
	_ = p.cmd.Wait() // the state and the output say it all
	if how == "" {
		how = childproc.HowEnded(p.cmd.ProcessState, p.err.Kept)
	}
	return how, oneLine(p.err.Kept)
}

// saidBytes bounds what is told of a child's last words.
const saidBytes = 500

func oneLine(text []byte) string {
	line := strings.Join(strings.Fields(string(text)), " ")
	return strings.ToValidUTF8(line[:min(len(line), saidBytes)], "")
}
