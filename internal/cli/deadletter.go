package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/producer"
)

// deadLetter is a message of where dead letters go, with its headers read.
type deadLetter struct {
	place      penstock.EventID // its own
	key, value []byte
	headers    []penstock.Header
	came       []penstock.Header // those of the event

	event     penstock.EventID // that it was made of
	id        string           // the event's, as it is written
	class     penstock.ErrorClass
	reason    string
	pipeline  string
	model     string
	version   string
	time      time.Time // when it became one; zero: it does not say
	truncated bool      // its value was dropped
	attempt   []byte    // how often the event was a dead letter
}

// readHeaders reads what the headers say; parse reads an event's id. False for a
// message that penstock did not write. What penstock added stands behind what the
// event came with, and begins with the error class: the event may have come with
// the same names, as a dead letter of another pipeline does.
func (d *deadLetter) readHeaders(parse func(id string) (penstock.EventID, error)) bool {
	own := len(d.headers) - 1
	for own >= 0 && d.headers[own].Key != producer.HeaderErrorClass {
		own--
	}
	if own < 0 {
		return false
	}
	d.came = slices.Clone(d.headers[:own])
	for _, h := range d.headers[own:] {
		text := string(h.Value)
		switch h.Key {
		case producer.HeaderErrorClass:
			d.class = penstock.ErrorClass(text)
		case producer.HeaderError:
			d.reason = text
		case producer.HeaderSource:
			d.id = text
		case producer.HeaderPipeline:
			d.pipeline = text
		case producer.HeaderModel:
			d.model = text
		case producer.HeaderModelVersion:
			d.version = text
		case producer.HeaderTime:
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				d.time = t
			}
		case producer.HeaderAttempt:
			d.attempt = h.Value
		case producer.HeaderTruncated:
			d.truncated = true
		default: // whoever copied the dead letter added it
			d.came = append(d.came, h)
		}
	}
	var err error
	d.event, err = parse(d.id)
	return err == nil && d.class != ""
}

// kafkaEvent reads TOPIC/PARTITION/OFFSET. A topic's name has no slash.
func kafkaEvent(id string) (e penstock.EventID, err error) {
	parts := strings.Split(id, "/")
	if len(parts) == 3 {
		partition, bad := strconv.ParseInt(parts[1], 10, 32)
		e = penstock.EventID{Source: parts[0], Partition: int32(partition)}
		e.Offset, err = strconv.ParseInt(parts[2], 10, 64)
		err = errors.Join(bad, err)
	}
	if len(parts) != 3 || err != nil {
		return e, fmt.Errorf("%q is no event's id; one is such as transactions/0/1234", id)
	}
	return e, nil
}

// natsEvent reads STREAM/SUBJECT/SEQUENCE. A stream's name has no slash; a
// subject may.
func natsEvent(id string) (e penstock.EventID, err error) {
	stream, rest, _ := strings.Cut(id, "/")
	at := strings.LastIndexByte(rest, '/')
	if at > 0 {
		e = penstock.EventID{Source: stream, Subject: rest[:at]}
		e.Offset, err = strconv.ParseInt(rest[at+1:], 10, 64)
	}
	if at <= 0 || err != nil {
		return e, fmt.Errorf("%q is no event's id; one is such as TRANSACTIONS/transactions.eu/1234", id)
	}
	return e, nil
}

// eventHeaders are those of the event as it came, and behind them the attempt, so
// that the event's next dead letter counts on.
func (d *deadLetter) eventHeaders() []penstock.Header {
	return append(slices.Clip(d.came), penstock.Header{Key: producer.HeaderAttempt, Value: d.attempt})
}

// letterFilter chooses dead letters on the command line.
type letterFilter struct {
	Class []string `placeholder:"CLASS" help:"Only of this error class: ${classes}; may be repeated."`
	Since string   `placeholder:"TIME" help:"Only from this time on, such as 2026-11-21T09:00:00Z, or 2h for the last two hours."`

	since time.Time
}

// read checks the flags.
func (f *letterFilter) read(now time.Time) error {
	for _, class := range f.Class {
		if !slices.Contains(classes[:], penstock.ErrorClass(class)) {
			return &refusal{fmt.Errorf("--class %s is unknown; the classes are %s", class, classNames())}
		}
	}
	if f.Since == "" {
		return nil
	}
	if ago, err := time.ParseDuration(f.Since); err == nil && ago >= 0 {
		f.since = now.Add(-ago)
		return nil
	}
	var err error
	if f.since, err = time.Parse(time.RFC3339, f.Since); err != nil {
		return &refusal{fmt.Errorf("--since must be a time such as 2026-11-21T09:00:00Z, or how long ago, such as 2h, not %q", f.Since)}
	}
	return nil
}

func classNames() string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

func (f *letterFilter) takes(d *deadLetter) bool {
	return (len(f.Class) == 0 || slices.Contains(f.Class, string(d.class))) && !d.time.Before(f.since)
}
