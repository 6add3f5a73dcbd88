//go:build unix

package brokertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Process is a child that must not outlive this process, however that ends: by
// a panic, a test's time limit or kill -9, which leave no time to tidy up. So a
// shell beside it, the watch, reads from a pipe whose only writer is here. Once
// the system closes that, the watch kills the child. (Linux could do it alone,
// with Pdeathsig; that needs a thread of its own and is no help elsewhere.)
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child is gone
	err  error         // how it ended; read it after done
}

// watchScript waits for the end of its input and then kills process $1.
const watchScript = `read -r _; kill -9 "$1"`

// StartProcess starts the child and the watch.
func StartProcess(cmd *exec.Cmd) (*Process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	watch := exec.Command("/bin/sh", "-c", watchScript, "watch", strconv.Itoa(cmd.Process.Pid))
	// A group of its own: Ctrl-C goes to all of the terminal's group, and must
	// not take the watch before its work is done.
	watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	life, err := watch.StdinPipe()
	if err == nil {
		err = watch.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch over the broker: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go p.wait(watch, life)
	return p, nil
}

// wait reaps the child and dismisses the watch, before its number can belong to
// another process.
func (p *Process) wait(watch *exec.Cmd, life io.Closer) {
	p.err = p.cmd.Wait()
	_ = watch.Process.Kill() // it has nothing to lose, and fails only if it is gone
	_ = watch.Wait()         // it was killed
	_ = life.Close()
	close(p.done)
}

// PID is the child's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child is gone.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the child ended, once Done is closed.
func (p *Process) Err() error { return p.err }

// Exited tells whether the child is gone.
func (p *Process) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Kill ends the process at once, frozen or not, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// Terminate asks the process to end and waits until it has.
func (p *Process) Terminate(ctx context.Context) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pause freezes the process, with SIGSTOP: connections stay open and nothing
// answers.
func (p *Process) Pause() error { return p.freeze(syscall.SIGSTOP) }

// Resume lets a frozen process go on.
func (p *Process) Resume() error { return p.freeze(syscall.SIGCONT) }

func (p *Process) freeze(s syscall.Signal) error {
	if p == nil || p.Exited() {
		return errors.New("the broker is down")
	}
	return p.signal(s)
}

// signal sends s to the process; that it is gone is no error.
func (p *Process) signal(s syscall.Signal) error {
	if p.Exited() {
		return nil
	}
	if err := p.cmd.Process.Signal(s); err != nil && !p.Exited() {
		return fmt.Errorf("send %v to the broker: %w", s, err)
	}
	return nil
}

// Tail is the end of a process's log, where the reason for its end stands.
func Tail(log string) string {
	const most = 4000
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
