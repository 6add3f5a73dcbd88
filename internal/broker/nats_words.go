package broker

import (
	"regexp"
	"strings"
)

// apiError is how the client prints an error that JetStream answers with.
var apiError = regexp.MustCompile(`nats: API error: code=\d+ err_code=(\d+) description=`)

// words has what JetStream says first, and its code at the end.
func words(text string) string {
	if at := apiError.FindStringSubmatchIndex(text); at != nil {
		text = text[:at[0]] + text[at[1]:] + " (JetStream error " + text[at[2]:at[3]] + ")"
	}
	return strings.ReplaceAll(text, "nats: nats: ", "nats: ")
}

// Plain has an error of NATS say in words what it says in codes.
func Plain(err error) error {
	if err == nil || words(err.Error()) == err.Error() {
		return err
	}
	return &plainError{err}
}

type plainError struct{ err error }

func (e *plainError) Error() string { return words(e.err.Error()) }
func (e *plainError) Unwrap() error { return e.err }
