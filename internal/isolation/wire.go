package isolation

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/penstock/penstock"
)

// Integers are little endian. What the parent says is a length (4 bytes) and
// that many bytes; what the child says begins with the nonce as well, for the
// runtime may print on standard output too, and what it prints is no answer.

const (
	nonceSize = 26 // of crypto/rand.Text
	// maxAnswer is far more than a record: whoever sends more is out of its mind.
	maxAnswer = 64 << 20
	// maxChatter bounds what the runtime may print between two answers.
	maxChatter = 1 << 20
	// requestBytes bounds a request. One event may exceed it alone.
	requestBytes = 8 << 20
)

// What an answer is, its first byte.
const (
	isReady    = 'r' // the model can score
	isUnready  = 'u' // it cannot; the text says why
	isRecord   = 'p' // the event's prediction record
	isRejected = 'x' // the event's rejection
	isBroken   = 'b' // the runtime is broken and no event to blame; the text says why
)

// request is events on their way to the child.
type request struct{ bytes []byte }

// reset begins a request. Its count of events is set by add.
func (q *request) reset(wall int64) {
	q.bytes = append(q.bytes[:0], 0, 0, 0, 0) // the length
	q.bytes = binary.LittleEndian.AppendUint64(q.bytes, uint64(wall))
}

// add appends an event, unless it makes the request too large.
func (q *request) add(e *penstock.Event) bool {
	const head = 4 + 8
	if len(q.bytes) > head && len(q.bytes)+len(e.Value) > requestBytes {
		return false
	}
	q.bytes = appendText(q.bytes, []byte(e.ID.Source))
	q.bytes = appendText(q.bytes, []byte(e.ID.Subject))
	q.bytes = binary.LittleEndian.AppendUint32(q.bytes, uint32(e.ID.Partition))
	q.bytes = binary.LittleEndian.AppendUint64(q.bytes, uint64(e.ID.Offset))
	q.bytes = binary.LittleEndian.AppendUint64(q.bytes, uint64(e.Time))
	q.bytes = appendText(q.bytes, e.Value)
	return true
}

// frame is the whole request as it is sent.
func (q *request) frame() []byte { return sized(q.bytes) }

// sized puts the length of what follows into the first four bytes.
func sized(frame []byte) []byte {
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

func appendText(dst, text []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}

// readSized reads a length and as many bytes.
func readSized(in io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.LittleEndian.Uint32(size[:]))
	_, err := io.ReadFull(in, b)
	return b, err
}

// parser takes a frame apart. Once the frame is too short, all is zero.
type parser struct {
	rest  []byte
	short bool
}

var errShort = errors.New("a frame ends too early")

func (p *parser) take(n int) []byte {
	if n > len(p.rest) {
		p.short, p.rest = true, nil
		return make([]byte, min(n, 8))
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parser) uint32() uint32 { return binary.LittleEndian.Uint32(p.take(4)) }
func (p *parser) uint64() uint64 { return binary.LittleEndian.Uint64(p.take(8)) }

func (p *parser) text() []byte {
	n := p.uint32()
	if p.short || uint64(n) > uint64(len(p.rest)) {
		p.short = true
		return nil
	}
	return p.take(int(n))
}

// parseRequest gives a request's events, whose values are parts of it.
func parseRequest(frame []byte) (wall int64, events []penstock.Event, err error) {
	p := parser{rest: frame}
	wall = int64(p.uint64())
	for len(p.rest) > 0 {
		var e penstock.Event
		e.ID.Source = string(p.text())
		e.ID.Subject = string(p.text())
		e.ID.Partition = int32(p.uint32())
		e.ID.Offset = int64(p.uint64())
		e.Time = int64(p.uint64())
		e.Value = p.text()
		events = append(events, e)
	}
	if p.short {
		return 0, nil, errShort
	}
	return wall, events, nil
}

// answers writes the child's.
type answers struct {
	out   *bufio.Writer
	nonce []byte
	buf   []byte
}

// begin starts an answer, which the caller appends to and gives to send.
func (a *answers) begin(kind byte) []byte {
	return append(append(append(a.buf[:0], a.nonce...), 0, 0, 0, 0), kind)
}

func (a *answers) send(answer []byte) error {
	a.buf = answer
	sized(answer[len(a.nonce):])
	_, err := a.out.Write(answer)
	return err
}

func (a *answers) text(kind byte, text string) error {
	return a.send(append(a.begin(kind), text...))
}

func (a *answers) rejection(r *penstock.Rejection) error {
	b := appendText(a.begin(isRejected), []byte(r.Class))
	b = appendText(b, []byte(r.Field))
	b = appendText(b, []byte(r.Reason))
	return a.send(binary.LittleEndian.AppendUint64(b, uint64(r.Offset)))
}

func parseRejection(body []byte) (*penstock.Rejection, error) {
	p := parser{rest: body}
	r := &penstock.Rejection{Class: penstock.ErrorClass(p.text()), Field: string(p.text()), Reason: string(p.text())}
	r.Offset = int(int64(p.uint64()))
	if p.short {
		return nil, errShort
	}
	return r, nil
}

// readAnswer reads the next answer; body is part of buf, which may have grown.
func readAnswer(in *bufio.Reader, nonce, buf []byte) (kind byte, body, grown []byte, err error) {
	if err := skipTo(in, nonce); err != nil {
		return 0, nil, buf, err
	}
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, buf, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0 || size > maxAnswer {
		return 0, nil, buf, fmt.Errorf("an answer of %d bytes", size)
	}
	if uint32(cap(buf)) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(in, buf); err != nil {
		return 0, nil, buf, err
	}
	return buf[0], buf[1:], buf, nil
}

// skipTo reads up to and with the nonce.
func skipTo(in *bufio.Reader, nonce []byte) error {
	for range maxChatter {
		next, err := in.Peek(len(nonce))
		if err != nil {
			return err
		}
		if bytes.Equal(next, nonce) {
			_, err := in.Discard(len(nonce))
			return err
		}
		if _, err := in.Discard(1); err != nil {
			return err
		}
	}
	return errors.New("no answer in a megabyte of output")
}
