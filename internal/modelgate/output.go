package modelgate

import (
	"bytes"
	"encoding/json"
	"regexp"
)

const (
	// outputKept bounds what is kept of the child's output, from the end.
	outputKept = 4 << 10
	// answerKept bounds its standard output, whose end is the answer.
	answerKept = 64 << 10
	// errorKept bounds an answer's texts, which JSON may write six times as
	// long: the model's names stand in them, and those have any length.
	errorKept = 8 << 10
)

// readyLine is what the child says, after the nonce, when only the trial is
// left to do.
const readyLine = "ready\n"

// report is the child's standard output.
type report struct {
	tail
	nonce []byte
	ready chan struct{} // closed once the child said so
}

func newReport(nonce string) report {
	return report{tail: tail{room: answerKept}, nonce: []byte(nonce), ready: make(chan struct{})}
}

func (r *report) Write(b []byte) (int, error) {
	n, err := r.tail.Write(b)
	if !r.isReady() && bytes.Contains(r.kept, append(r.nonce, readyLine...)) {
		close(r.ready)
	}
	return n, err
}

func (r *report) isReady() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

// answer finds the child's answer, which is the last that it says.
func (r *report) answer() (a answer, ok bool) {
	at := bytes.LastIndex(r.kept, r.nonce)
	if at < 0 {
		return a, false
	}
	line, _, _ := bytes.Cut(r.kept[at+len(r.nonce):], []byte("\n"))
	return a, json.Unmarshal(line, &a) == nil
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
