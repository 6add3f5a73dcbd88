package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/penstock/penstock"
)

// classes are the error classes in the order in which a summary names them.
var classes = [...]penstock.ErrorClass{
	penstock.ClassDecode, penstock.ClassMissing, penstock.ClassType, penstock.ClassModel,
	penstock.ClassTimeout, penstock.ClassCrash, penstock.ClassTooLarge,
}

// tally counts what became of events.
type tally struct {
	predicted int64
	rejected  int64
	byClass   [len(classes)]int64
	first     string // the first reject, in words
}

func (t *tally) add(o *tally) {
	t.predicted += o.predicted
	t.rejected += o.rejected
	for i, n := range o.byClass {
		t.byClass[i] += n
	}
	if t.first == "" {
		t.first = o.first
	}
}

// reject is one line of --rejects.
type reject struct {
	ID    string              `json:"id"`
	Class penstock.ErrorClass `json:"class"`
	Error string              `json:"error"`
	// One of them is there, unless the event was too large to keep: the event
	// as it came when that is UTF-8, else its bytes in base64.
	Value  *string `json:"value,omitempty"`
	Base64 string  `json:"value_base64,omitempty"`
}

// reject counts event i as rejected and, when lines are kept, appends its own.
func (j *job) reject(i int, r *penstock.Rejection, keep bool) {
	line := reject{ID: j.chunk.ID(i).String(), Class: r.Class, Error: r.Error()}
	j.tally.rejected++
	for c := range classes {
		if classes[c] == r.Class {
			j.tally.byClass[c]++
		}
	}
	if j.tally.first == "" {
		j.tally.first = fmt.Sprintf("%s: %s: %s", line.ID, line.Class, line.Error)
	}
	if !keep {
		return
	}
	value := j.chunk.AppendValue(nil, i)
	switch {
	case value == nil:
	case utf8.Valid(value):
		line.Value = new(string(value))
	default:
		line.Base64 = base64.StdEncoding.EncodeToString(value)
	}
	text, err := json.Marshal(line)
	if err != nil { // strings always marshal
		panic(fmt.Sprintf("a reject cannot be written as JSON: %v", err))
	}
	j.rejects = append(append(j.rejects, text...), '\n')
}
