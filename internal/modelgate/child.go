package modelgate

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/penstock/penstock/internal/childproc"
)

// order is what the parent hands over on the child's standard input: the
// order's length (4 bytes, little endian), the order as JSON, the request and
// the model.
type order struct {
	Nonce   string // stands before the answer, so that other output is no answer
	Memory  int64  // bytes that the trial may add to the process
	Request int
	Model   int
}

// answer is what the child writes on its standard output, on a line after the
// nonce. Before it, unless there was no trial, comes the nonce and readyLine.
type answer struct {
	Setup string // why there was no trial, "" when there was one
	Error string // why the model failed, "" when it passed
	// Excused is true when Error may be the row's fault and not the model's.
	Excused bool
	Peak    int64 // most bytes of memory that the process held, 0 when unknown
}

// RowError is what try gives to Child when a model loads but fails on a row of
// which nobody says that it is a good one. The model passes all the same, unless
// what it lacked was memory.
type RowError struct{ Err error }

func (e *RowError) Error() string { return e.Err.Error() }

func (e *RowError) Unwrap() error { return e.Err }

// Child is the child's side of Gate.Try and all that the child does: setup
// makes the runtime ready, and try loads the model and runs it once, as
// request says. An error of try is the model's fault unless it is a *RowError,
// one of setup is not.
// The result is the process's exit code.
func Child(setup func() error, try func(model, request []byte) error) int {
	o, a := serve(os.Stdin, os.Stdout, setup, try)
	if o == nil {
		fmt.Fprintln(os.Stderr, a.Setup)
		return 1
	}
	a.Setup, a.Error = cut(a.Setup), cut(a.Error)
	b, err := json.Marshal(a)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := o.say(os.Stdout, string(b)+"\n"); err != nil {
		return 1
	}
	return 0
}

// say writes a line for the parent. What the runtime printed before may not
// have ended its own.
func (o *order) say(out io.Writer, line string) error {
	_, err := fmt.Fprintf(out, "\n%s%s", o.Nonce, line)
	return err
}

// cut leaves of a text what the parent keeps.
func cut(text string) string {
	if len(text) <= errorKept {
		return text
	}
	return strings.ToValidUTF8(text[:errorKept], "") + "…"
}

func serve(in io.Reader, out io.Writer, setup func() error, try func(model, request []byte) error) (*order, answer) {
	// The runtime comes before the model, so that neither counts as what the
	// trial takes.
	setupErr := setup()
	o, request, model, err := receive(in)
	if err != nil {
		return nil, answer{Setup: fmt.Sprintf("receive the model: %v", err)}
	}
	if setupErr != nil {
		return o, answer{Setup: setupErr.Error()}
	}
	if err := childproc.LimitMemory(o.Memory); err != nil {
		return o, answer{Setup: fmt.Sprintf("limit the memory: %v", err)}
	}
	if err := o.say(out, readyLine); err != nil {
		return nil, answer{Setup: fmt.Sprintf("tell that the model is there: %v", err)}
	}
	var a answer
	if err := try(model, request); err != nil {
		a.Error = err.Error()
		_, a.Excused = errors.AsType[*RowError](err)
	}
	a.Peak = childproc.PeakMemory()
	return o, a
}

// send gives what receive reads.
func (o *order) send(request, model []byte) (io.Reader, error) {
	o.Request, o.Model = len(request), len(model)
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	head := append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
	return io.MultiReader(bytes.NewReader(head), bytes.NewReader(request), bytes.NewReader(model)), nil
}

func receive(in io.Reader) (o *order, request, model []byte, err error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, nil, nil, err
	}
	head := make([]byte, min(binary.LittleEndian.Uint32(size[:]), 1<<16))
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, nil, nil, err
	}
	o = new(order)
	if err := json.Unmarshal(head, o); err != nil {
		return nil, nil, nil, err
	}
	if o.Request < 0 || o.Model < 0 || o.Model > MaxSize || o.Request > MaxSize {
		return nil, nil, nil, fmt.Errorf("a model of %d bytes", o.Model)
	}
	request, model = make([]byte, o.Request), make([]byte, o.Model)
	if _, err := io.ReadFull(in, request); err != nil {
		return nil, nil, nil, err
	}
	if _, err := io.ReadFull(in, model); err != nil {
		return nil, nil, nil, err
	}
	return o, request, model, nil
}
