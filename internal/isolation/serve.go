package isolation

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/inference"
)

// Model is what the child scores with: a worker's own, made from the same
// config.
type Model struct {
	Batch   *inference.Batch
	Scorer  *inference.Scorer
	Encoder *inference.Encoder
}

// Serve is the child's side and all that the child does. open makes the model
// ready from what the parent gave as Options.Setup, so far that it has scored a
// row. Serve returns when the parent closes the input, and with an error when
// the parent cannot be understood; why a model does not open the parent is told.
func Serve(in io.Reader, out io.Writer, open func(setup []byte) (*Model, error)) error {
	r := bufio.NewReader(in)
	setup, err := readSized(r)
	if err != nil {
		return fmt.Errorf("read the setup: %w", err)
	}
	if len(setup) < nonceSize {
		return fmt.Errorf("read the setup: %w", errShort)
	}
	a := answers{out: bufio.NewWriter(out), nonce: setup[:nonceSize]}
	m, err := open(setup[nonceSize:])
	if err != nil {
		return errors.Join(a.text(isUnready, err.Error()), a.out.Flush())
	}
	err = errors.Join(a.text(isReady, ""), a.out.Flush())
	for err == nil {
		err = m.serve(r, &a)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// serve answers one request. io.EOF says that there is none.
func (m *Model) serve(in io.Reader, a *answers) error {
	frame, err := readSized(in)
	if err != nil {
		return err
	}
	wall, events, err := parseRequest(frame)
	if err != nil {
		return err
	}
	for len(events) > 0 && err == nil {
		var settled int
		settled, err = m.score(events, wall, a)
		events = events[settled:]
		err = errors.Join(err, a.out.Flush()) // before the next batch takes this process down
	}
	if errors.Is(err, inference.ErrBroken) {
		err = a.text(isBroken, err.Error())
	}
	return errors.Join(err, a.out.Flush())
}

// score answers as many events as fit a batch.
func (m *Model) score(events []penstock.Event, wall int64, a *answers) (settled int, err error) {
	m.Batch.Reset()
	var rejected []*penstock.Rejection // one an event, nil when it has a row
	for i := range events {
		if m.Batch.Full() {
			break
		}
		rejected = append(rejected, m.Batch.DecodeJSON(events[i].Value))
	}
	scores, broken := m.Scorer.Score(m.Batch)
	row := 0
	for i, r := range rejected {
		if r == nil {
			if row == scores.Done() {
				return i, broken
			}
			r = scores.Rejection(row)
			row++
		}
		if r != nil {
			err = a.rejection(r)
		} else {
			stamp := inference.Stamp{ID: events[i].ID, Time: wall, Record: events[i].Time}
			err = a.send(m.Encoder.Append(a.begin(isRecord), &stamp, scores, row-1))
		}
		if err != nil {
			return i, err
		}
	}
	return len(rejected), broken
}
