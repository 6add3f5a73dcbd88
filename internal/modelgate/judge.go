package modelgate

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/penstock/penstock/internal/childproc"
)

// judge puts what became of the child into words.
func (t *trial) judge(ended end) (verdict, error) {
	a, answered := t.out.answer()
	switch {
	case answered && a.Setup != "":
		return verdict{}, fmt.Errorf("try the model in a child process: %s", a.Setup)
	case !t.out.isReady():
		return verdict{}, t.unready(ended)
	case ended == tooSlow:
		return verdict{Refused: fmt.Sprintf("loading the model and running it once took longer than %v; use a smaller model", t.limits.Time)}, nil
	case ended == tooBig, answered && a.Peak > t.limits.Memory, !answered && noMemory.Match(t.err.Kept):
		return t.tooBig(), nil
	case !answered:
		return t.crashed(), nil
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

// unready says how a child ended that never had the model. That says nothing
// about the model: another one would have fared no better.
func (t *trial) unready(ended end) error {
	how := "it ended with " + childproc.HowEnded(t.cmd.ProcessState, t.err.Kept)
	switch ended {
	case tooSlow:
		how = fmt.Sprintf("it was not ready within %v", t.limits.Time)
	case tooBig:
		how = "it took more than " + size(t.limits.Memory)
	}
	if said := oneLine(string(t.err.Kept)); said != "" {
		how += "; it said: " + said
	}
	return fmt.Errorf("try the model in a child process, which never got as far as the model: %s", how)
}

// crashed says how a child ended that gave no answer.
func (t *trial) crashed() verdict {
	if childproc.SignalName(t.cmd.ProcessState) == "SIGKILL" {
		return verdict{Refused: "the system killed the process that tried this model, most likely because the machine or container ran out of memory; give it more, or use a smaller model"}
	}
	text := fmt.Sprintf("loading this model crashed the runtime (%s); export it again, or with another version of its exporter", childproc.HowEnded(t.cmd.ProcessState, t.err.Kept))
	if said := oneLine(string(t.err.Kept)); said != "" {
		text += "; the runtime said: " + said
	}
	return verdict{Refused: text}
}

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
