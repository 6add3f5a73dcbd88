package modelgate

import (
	"bytes"
	"encoding/json"

	"github.com/penstock/penstock/internal/childproc"
)

const (
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
	childproc.Tail
	nonce []byte
	ready chan struct{} // closed once the child said so
}

func newReport(nonce string) report {
	return report{Tail: childproc.Tail{Room: answerKept}, nonce: []byte(nonce), ready: make(chan struct{})}
}

func (r *report) Write(b []byte) (int, error) {
	n, err := r.Tail.Write(b)
	if !r.isReady() && bytes.Contains(r.Kept, append(r.nonce, readyLine...)) {
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
	at := bytes.LastIndex(r.Kept, r.nonce)
	if at < 0 {
		return a, false
	}
	line, _, _ := bytes.Cut(r.Kept[at+len(r.nonce):], []byte("\n"))
	return a, json.Unmarshal(line, &a) == nil
}
