package penstock

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// ErrorClass is the reason why an event became a dead letter, as it stands in
// the header penstock-error-class and in metrics.
type ErrorClass string

// The classes; no others are ever written.
const (
	ClassDecode   ErrorClass = "decode"    // the bytes are not one well-formed event
	ClassMissing  ErrorClass = "missing"   // a mapped field is absent or null and has no policy
	ClassType     ErrorClass = "type"      // a field's value does not fit the model's input
	ClassModel    ErrorClass = "model"     // the model fails on this event alone
	ClassTimeout  ErrorClass = "timeout"   // the model does not answer in time on this event alone
	ClassCrash    ErrorClass = "crash"     // the process dies on this event
	ClassTooLarge ErrorClass = "too_large" // the event, or what it leads to, exceeds a size limit
)

// Rejection says why one event was turned away. It is the event's fault, never
// the runtime's: whoever gets one goes on with the next event.
type Rejection struct {
	Class  ErrorClass
	Field  string // path of the guilty field, "" when it is the whole event
	Reason string // one line, without the field and the offset
	Offset int    // byte offset within the event's value, -1 when there is none
}

// Error gives the one line that stands in the header penstock-error.
func (r *Rejection) Error() string {
	s := r.Reason
	switch {
	case strings.ContainsFunc(r.Field, unicode.IsControl): // a key may hold a line's end
		s = strconv.Quote(r.Field) + ": " + s
	case r.Field != "":
		s = r.Field + ": " + s
	}
	if r.Offset >= 0 {
		s = fmt.Sprintf("%s (byte %d)", s, r.Offset)
	}
	return s
}
