package producer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
)

// The headers of a dead letter, in this order behind those of the event, which may
// have the same names. An event that is sent back to the source keeps HeaderAttempt
// behind its own, so that its next dead letter counts on.
const (
	HeaderErrorClass   = "penstock-error-class"
	HeaderError        = "penstock-error"
	HeaderSource       = "penstock-source" // the event's id
	HeaderPipeline     = "penstock-pipeline"
	HeaderModel        = "penstock-model"
	HeaderModelVersion = "penstock-model-version"
	HeaderTime         = "penstock-time" // RFC 3339, to the millisecond
	HeaderAttempt      = "penstock-attempt"
	HeaderTruncated    = "penstock-truncated" // bytes of the value that was dropped
)

// DeadLetterHeaders are the names of a dead letter's headers, in their order.
func DeadLetterHeaders() []string {
	return []string{
		HeaderErrorClass, HeaderError, HeaderSource, HeaderPipeline, HeaderModel, HeaderModelVersion,
		HeaderTime, HeaderAttempt, HeaderTruncated,
	}
}

// unknownBytes stands for the size of a value that was never read.
const unknownBytes = "unknown"

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// DeadLetters writes dead letters.
type DeadLetters struct {
	Pipeline string
	Model    penstock.ModelIdentity
	Topic    func(source string) string // where a source's dead letters go
	Limits   *broker.Limits
}

// Record is the dead letter of an event: its value, key and headers as they
// came, and behind them why. An event that could not be read has none of them, a
// nil Value. One that is too big for its topic goes without its value, and where
// that is not enough without its key and headers.
func (d *DeadLetters) Record(e *penstock.Event, why *penstock.Rejection, now time.Time) penstock.Record {
	came, before := sentBack(e.Headers)
	own := []penstock.Header{
		{Key: HeaderErrorClass, Value: []byte(why.Class)},
		{Key: HeaderError, Value: []byte(oneLine(why.Error()))},
		{Key: HeaderSource, Value: e.ID.AppendTo(nil)},
		{Key: HeaderPipeline, Value: []byte(d.Pipeline)},
		{Key: HeaderModel, Value: []byte(d.Model.Name)},
		{Key: HeaderModelVersion, Value: []byte(d.Model.Version)},
		{Key: HeaderTime, Value: now.UTC().AppendFormat(nil, timeFormat)},
		{Key: HeaderAttempt, Value: strconv.AppendInt(nil, before+1, 10)},
	}
	r := penstock.Record{
		Topic: d.Topic(e.ID.Source), Partition: e.ID.Partition, Event: e.ID,
		Key: e.Key, Value: e.Value, Headers: slices.Concat(came, own),
	}
	dropped := unknownBytes // it was never read: a tombstone is no event
	if e.Value != nil {
		if d.Limits.Fits(&r) {
			return r
		}
		dropped = strconv.Itoa(len(e.Value))
	}
	own = append(own, penstock.Header{Key: HeaderTruncated, Value: []byte(dropped)})
	r.Value, r.Headers = nil, slices.Concat(came, own)
	if !d.Limits.Fits(&r) {
		r.Key, r.Headers = nil, own
	}
	return r
}

// sentBack reads how often an event was a dead letter before, from the
// HeaderAttempt that it was sent back with, and gives its headers as they first
// came. The event itself may be a dead letter of another pipeline, whose
// HeaderAttempt goes with a HeaderErrorClass; the one it was sent back with is
// the last one, and goes with none.
func sentBack(headers []penstock.Header) (came []penstock.Header, times int64) {
	last, more := -1, 0
	for i := range headers {
		switch headers[i].Key {
		case HeaderErrorClass:
			more--
		case HeaderAttempt:
			last = i
			more++
		}
	}
	if more <= 0 {
		return headers, 0
	}
	times, err := strconv.ParseInt(string(headers[last].Value), 10, 32)
	if err != nil || times < 0 {
		times = 0
	}
	return slices.Concat(headers[:last], headers[last+1:]), times
}

// maxError bounds a header: a reason may quote the event.
const maxError = 1 << 10

func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "…"
	}
	return text
}
