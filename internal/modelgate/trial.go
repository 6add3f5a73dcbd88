package modelgate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

const (
	// watchInterval is how often the child's memory is looked at. There is
	// nothing to wait on; the child's own limit holds in between.
	watchInterval = 20 * time.Millisecond
	// outputKept bounds what is kept of the child's output, from the end.
	outputKept = 4 << 10
	// answerKept bounds its standard output, whose end is the answer.
	answerKept = 64 << 10
)

// trial is one child at work.
type trial struct {
	cmd      *exec.Cmd
	limits   limits
	nonce    string
	out      tail
	err      tail
	received chan struct{} // closed when the child has the model
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
	t := &trial{
		cmd:    exec.Command(g.Child[0], g.Child[1:]...),
		limits: l, nonce: rand.Text(), received: make(chan struct{}),
		out: tail{room: answerKept}, err: tail{room: outputKept, seal: goCrash},
	}
	o := order{Nonce: t.nonce, Memory: l.Memory}
	in, err := o.send(request, m.Bytes)
	if err != nil {
		return verdict{}, fmt.Errorf("try the model: %w", err)
	}
	t.cmd.Stdin = &handOver{Reader: in, done: t.received}
	t.cmd.Stdout, t.cmd.Stderr = &t.out, &t.err
	t.cmd.WaitDelay = time.Second // for output of what the child left behind
	confine(t.cmd)
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
			_ = t.cmd.Wait() // ProcessState and the output say it all
		}
	}()
	if err := <-started; err != nil {
		<-exited
		return itself, err
	}
	ended := t.watch(ctx, exited)
	if ended != itself {
		_ = kill(t.cmd) // it may just have gone
	}
	<-exited
	return ended, nil
}

// watch waits for the child to exit or to exceed a limit. Its time begins when
// it has the model; getting it may take as long again.
func (t *trial) watch(ctx context.Context, exited <-chan struct{}) end {
	timeout := time.NewTimer(t.limits.Time)
	defer timeout.Stop()
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	received := t.received
	for {
		select {
		case <-exited:
			return itself
		case <-received:
			received = nil
			timeout.Reset(t.limits.Time)
		case <-timeout.C:
			return tooSlow
		case <-ctx.Done():
			return cancelled
		case <-ticker.C:
			if residentMemory(t.cmd.Process.Pid) > t.limits.Memory {
				return tooBig
			}
		}
	}
}

// judge puts what became of the child into words.
func (t *trial) judge(ended end) (verdict, error) {
	a, answered := t.answer()
	switch {
	case ended == tooSlow:
		return verdict{Refused: fmt.Sprintf("loading the model and running it once took longer than %v; use a smaller model", t.limits.Time)}, nil
	case ended == tooBig, answered && a.Peak > t.limits.Memory, !answered && noMemory.Match(t.err.kept):
		return t.tooBig(), nil
	case !answered:
		return t.crashed(), nil
	case a.Setup != "":
		return verdict{}, fmt.Errorf("try the model in a child process: %s", a.Setup)
	case noMemory.MatchString(a.Error):
		return t.tooBig(), nil
	case a.Error != "" && !a.Excused:
		return verdict{Refused: "the runtime refuses the model: " + oneLine(a.Error), definite: true}, nil
	}
	return verdict{definite: true}, nil
}

func (t *trial) tooBig() verdict {
	return verdict{Refused: fmt.Sprintf("loading the model and running it once needed more than %s of memory; use a smaller model", size(t.limits.Memory))}
}

// noMemory finds what the runtime, the C++ library, cgo and Go say when there
// is no memory.
var noMemory = regexp.MustCompile(`(?i)bad_alloc|out of memory|cannot allocate memory|failed to allocate|pthread_create failed`)

// answer finds the child's answer in its output.
func (t *trial) answer() (a answer, ok bool) {
	_, after, found := bytes.Cut(t.out.kept, []byte(t.nonce))
	if !found {
		return a, false
	}
	line, _, _ := bytes.Cut(after, []byte("\n"))
	return a, json.Unmarshal(line, &a) == nil
}

// crashed says how a child ended that gave no answer.
func (t *trial) crashed() verdict {
	output := string(t.err.kept)
	killed := signalName(t.cmd.ProcessState)
	if killed == "SIGKILL" {
		return verdict{Refused: "the system killed the process that tried this model, most likely because the machine or container ran out of memory; give it more, or use a smaller model"}
	}
	how := cmp.Or(killed, goSignal.FindString(output), fmt.Sprintf("exit code %d", t.cmd.ProcessState.ExitCode()))
	text := fmt.Sprintf("loading this model crashed the runtime (%s); export it again, or with another version of its exporter", how)
	if said := oneLine(output); said != "" {
		text += "; the runtime said: " + said
	}
	return verdict{Refused: text}
}

// A Go program catches the signals that C code raises, prints their name and
// what all its goroutines were doing, and exits.
var (
	goSignal = regexp.MustCompile(`\bSIG(SEGV|ABRT|BUS|ILL|FPE|SYS|TRAP)\b`)
	goCrash  = regexp.MustCompile(`(?m)^(SIG[A-Z]+|fatal error|panic): `)
)

// oneLine makes a message of several lines one of at most 500 bytes.
func oneLine(s string) string {
	const most = 500
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n%(1<<30) == 0 {
		return fmt.Sprintf("%d GiB", n>>30)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// handOver notices when all was read: the child has the model, but for what
// the pipe holds.
type handOver struct {
	io.Reader
	done chan struct{}
}

func (h *handOver) Read(b []byte) (int, error) {
	n, err := h.Reader.Read(b)
	if errors.Is(err, io.EOF) {
		close(h.done)
	}
	return n, err
}

// tail keeps the end of what is written to it, or what stands around the first
// match of seal, which long stacks that follow would push out.
type tail struct {
	room   int
	seal   *regexp.Regexp
	sealed bool
	kept   []byte
}

func (t *tail) Write(b []byte) (int, error) {
	const after = 256 // bytes kept after the match
	if t.sealed {
		return len(b), nil
	}
	t.kept = append(t.kept, b...)
	end := len(t.kept)
	if t.seal != nil {
		if match := t.seal.FindIndex(t.kept); match != nil {
			end = min(end, match[1]+after)
			t.sealed = end == match[1]+after
		}
	}
	t.kept = append(t.kept[:0], t.kept[max(0, end-t.room):end]...)
	return len(b), nil
}
