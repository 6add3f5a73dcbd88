package childproc

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
)

// A Go program catches the signals that C code raises, prints their name and
// what all its goroutines were doing, and exits.
var (
	goSignal = regexp.MustCompile(`\bSIG(SEGV|ABRT|BUS|ILL|FPE|SYS|TRAP)\b`)
	goCrash  = regexp.MustCompile(`(?m)^(SIG[A-Z]+|fatal error|panic): `)
)

// NewErrorTail keeps of a child's standard error what tells how it ended: a few
// kilobytes of the end, or of where a Go program said that it crashed.
func NewErrorTail() Tail { return Tail{Room: 4 << 10, Seal: goCrash} }

// HowEnded names the way in which a child ended itself, a signal or an exit
// code, given what it said on its standard error.
func HowEnded(state *os.ProcessState, said []byte) string {
	return cmp.Or(SignalName(state), string(goSignal.Find(said)), fmt.Sprintf("exit code %d", state.ExitCode()))
}
