package producer

import (
	"strconv"
	"strings"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
)

// The headers of a dead letter. An event that is sent back to the source keeps
// HeaderAttempt, so that its next dead letter counts on.
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
// came, and why. An event that could not be read has none of them, a nil Value. One that is too big for its topic goes without its value, and
// where that is not enough without its key and headers.
func (d *DeadLetters) Record(e *penstock.Event, why *penstock.Rejection, now time.Time) penstock.Record {
	own := []penstock.Header{
		{Key: HeaderErrorClass, Value: []byte(why.Class)},
		{Key: HeaderError, Value: []byte(oneLine(why.Error()))},
		{Key: HeaderSource, Value: e.ID.AppendTo(nil)},
		{Key: HeaderPipeline, Value: []byte(d.Pipeline)},
		{Key: HeaderModel, Value: []byte(d.Model.Name)},
		{Key: HeaderModelVersion, Value: []byte(d.Model.Version)},
		{Key: HeaderTime, Value: now.UTC().AppendFormat(nil, timeFormat)},
		{Key: HeaderAttempt, Value: strconv.AppendInt(nil, attempts(e.Headers)+1, 10)},
	}
	if e.Value == nil { // it was never read: a tombstone is no event
		own = append(own, penstock.Header{Key: HeaderTruncated, Value: []byte(unknownBytes)})
	}
	r := penstock.Record{
		Topic: d.Topic(e.ID.Source), Partition: e.ID.Partition, Event: e.ID,
		Key: e.Key, Value: e.Value, Headers: append(without(e.Headers, HeaderAttempt), own...),
	}
	if d.Limits.Fits(&r) {
		return r
	}
	own = append(own, penstock.Header{Key: HeaderTruncated, Value: strconv.AppendInt(nil, int64(len(e.Value)), 10)})
	r.Value = nil
	r.Headers = append(without(e.Headers, HeaderAttempt), own...)
	if !d.Limits.Fits(&r) {
		r.Key, r.Headers = nil, own
	}
	return r
}

// attempts is how often the event has been a dead letter before.
func attempts(headers []penstock.Header) int64 {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == HeaderAttempt {
			n, err := strconv.ParseInt(string(headers[i].Value), 10, 32)
			if err != nil || n < 0 {
				return 0
			}
			return n
		}
	}
	return 0
}

// without copies headers but for those of a key.
func without(headers []penstock.Header, key string) []penstock.Header {
	kept := make([]penstock.Header, 0, len(headers)+9)
	for _, h := range headers {
		if h.Key != key {
			kept = append(kept, h)
		}
	}
	return kept
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
