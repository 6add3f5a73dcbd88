//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// process is a child that must not outlive this process, however that ends: by
// a panic, a test's time limit or kill -9, which leave no time to tidy up. So a
// shell beside it, the watch, reads from a pipe whose only writer is here. Once
// the system closes that, the watch kills the child. (Linux could do it alone,
// with Pdeathsig; that needs a thread of its own and is no help elsewhere.)
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child is gone
	err  error         // how it ended; read it after done
}

// watchScript waits for the end of its input and then kills process $1.
const watchScript = `read -r _; kill -9 "$1"`

// startProcess starts the child and the watch.
func startProcess(cmd *exec.Cmd) (*process, error) {
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
	p := &process{cmd: cmd, done: make(chan struct{})}
	go p.wait(watch, life)
	return p, nil
}

// wait reaps the child and dismisses the watch, before its number can belong to
// another process.
func (p *process) wait(watch *exec.Cmd, life io.Closer) {
	p.err = p.cmd.Wait()
	_ = watch.Process.Kill() // it has nothing to lose, and fails only if it is gone
	_ = watch.Wait()         // it was killed
	_ = life.Close()
	close(p.done)
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process at once, frozen or not, and waits until it is gone.
func (p *process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// terminate asks the process to end and waits until it has.
func (p *process) terminate(ctx context.Context) error {
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

// freeze stops the process or lets it go on.
func (p *process) freeze(stop bool) error {
	if p == nil || p.exited() {
		return errors.New("the broker is down")
	}
	if stop {
		return p.signal(syscall.SIGSTOP)
	}
	return p.signal(syscall.SIGCONT)
}

// signal sends s to the process; that it is gone is no error.
func (p *process) signal(s syscall.Signal) error {
	if p.exited() {
		return nil
	}
	if err := p.cmd.Process.Signal(s); err != nil && !p.exited() {
		return fmt.Errorf("send %v to the broker: %w", s, err)
	}
	return nil
}
