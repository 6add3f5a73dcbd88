//go:build kafka || nats

package faults

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is one penstock run, which may be started many times.
type process struct {
	st       *stage
	instance string
	args     []string // besides the config and the instance
	calm     bool     // nothing holds it up, and it makes no mistake
	deadly   string   // the failpoint that kills it

	cmd    *exec.Cmd
	done   chan struct{}
	killed bool  // by the test
	born   int64 // where its present life begins in its log
}

// newProcess makes a process that the test's end kills.
func (st *stage) newProcess(instance string, args ...string) *process {
	p := &process{st: st, instance: instance, args: args}
	st.workers = append(st.workers, p)
	st.Cleanup(func() {
		p.kill()
		if st.Failed() {
			st.Logf("the last that %s said:\n%s", p.instance, p.tail())
		}
	})
	return p
}

// processes starts one of each name.
func (st *stage) processes(instances ...string) []*process {
	st.Helper()
	var all []*process
	for _, instance := range instances {
		p := st.newProcess(instance, st.args...)
		p.start()
		all = append(all, p)
	}
	return all
}

func (p *process) logFile() string { return filepath.Join(p.st.dir, p.instance+".log") }

// epochsFile is where the process's workers note that they have an epoch open.
func (p *process) epochsFile() string { return filepath.Join(p.st.dir, p.instance+".epochs") }

// noted tells whether a worker of the instance has noted that its epoch is open;
// of any, where it is empty. It has an epoch open from the moment when it has
// polled events until it knows that they are committed, or gives them up. A note
// is written by the worker itself and stays when that is killed: there is no
// moment between a look and the kill in which the epoch could have ended.
func (st *stage) noted(instance string) bool {
	for _, p := range st.workers {
		if instance != "" && p.instance != instance {
			continue
		}
		if notes, err := os.ReadFile(p.epochsFile()); err == nil && bytes.IndexByte(notes, 1) >= 0 {
			return true
		}
	}
	return false
}

func (p *process) start() {
	p.st.Helper()
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.st.Fatal(err)
	}
	defer log.Close() // the child has its own
	if p.born, err = log.Seek(0, io.SeekEnd); err != nil {
		p.st.Fatal(err)
	}
	if err := os.WriteFile(p.epochsFile(), nil, 0o600); err != nil { // what the one before it left open
		p.st.Fatal(err)
	}
	p.cmd = exec.Command(shared.binary, append([]string{"run", p.st.config, "--instance", p.instance}, p.args...)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: shared.group}
	failpoints, mutant := p.st.failpoints, p.st.mutant
	switch {
	case p.calm:
		failpoints, mutant = "", ""
	case p.deadly != "":
		failpoints += "," + p.deadly
	}
	p.cmd.Env = append(os.Environ(),
		"PENSTOCK_FAILPOINTS="+failpoints, "PENSTOCK_MUTANTS="+mutant, "PENSTOCK_EPOCHS="+p.epochsFile())
	if err := p.cmd.Start(); err != nil {
		p.st.Fatal(err)
	}
	done := make(chan struct{})
	p.done, p.killed = done, false
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // its exit code is read from cmd
		close(done)
	}(p.cmd)
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) signal(s syscall.Signal) {
	if p.cmd != nil && !p.exited() {
		_ = p.cmd.Process.Signal(s) // fails only if it has just ended
	}
}

// kill ends it with SIGKILL, frozen or not, and returns once it is gone.
func (p *process) kill() {
	if p.cmd != nil {
		p.killed = true
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// stop ends it with SIGTERM and wants exit code 0.
func (p *process) stop(limit time.Duration) {
	p.st.Helper()
	p.killed = true
	p.signal(syscall.SIGTERM)
	if code := p.wait(limit); code != 0 {
		p.st.Fatalf("%s ended with exit code %d after SIGTERM\n%s", p.instance, code, p.tail())
	}
}

// wait gives the exit code.
func (p *process) wait(limit time.Duration) int {
	p.st.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.st.Fatalf("%s does not end\n%s", p.instance, p.tail())
		return -1
	}
}

// tail is the end of what the process and its forerunners logged.
func (p *process) tail() string {
	const most = 3000
	text, err := os.ReadFile(p.logFile())
	if err != nil {
		return fmt.Sprint(err)
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// undisturbed wants that nobody was disturbed by what goes on in good order: no
// process took another, or itself, for dead, and none found that events had gone
// to somebody who was leaving.
func (st *stage) undisturbed() {
	st.Helper()
	for _, p := range st.workers {
		text, err := os.ReadFile(p.logFile())
		if err != nil {
			st.Error(err)
		}
		for _, words := range []string{"the process ended while", "deliveries have a gap"} {
			if n := bytes.Count(text, []byte(words)); n > 0 {
				st.Errorf("%s says %d times that %q, and no process was killed", p.instance, n, words)
			}
		}
	}
}
