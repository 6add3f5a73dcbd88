package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/producer"
)

// deadLetter is a record of a dead letter topic, with its headers read.
type deadLetter struct {
	record    *kgo.Record
	id        string // of the event
	source    string // its topic
	partition int32
	class     penstock.ErrorClass
	reason    string
	pipeline  string
	model     string
	version   string
	time      time.Time // when it became one; zero: it does not say
	attempt   string
	truncated bool // its value was dropped
}

// readDeadLetter reads the headers. ok is false for a record that penstock did
// not write.
func readDeadLetter(r *kgo.Record) (d deadLetter, ok bool) {
	d.record = r
	for _, h := range r.Headers {
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
			d.attempt = text
		case producer.HeaderTruncated:
			d.truncated = true
		}
	}
	var err error
	d.source, d.partition, err = eventPlace(d.id)
	return d, err == nil && d.class != ""
}

// eventPlace is the topic and partition of TOPIC/PARTITION/OFFSET. A topic's
// name has no slash.
func eventPlace(id string) (topic string, partition int32, err error) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return "", 0, fmt.Errorf("%q is no event's id; one is such as transactions/0/1234", id)
	}
	n, err := strconv.ParseInt(parts[1], 10, 32)
	if err == nil {
		_, err = strconv.ParseInt(parts[2], 10, 64)
	}
	if err != nil {
		return "", 0, fmt.Errorf("%q is no event's id; one is such as transactions/0/1234", id)
	}
	return parts[0], int32(n), nil
}

// headers are those of the event as it came, without penstock's own but for the
// attempt, so that the event's next dead letter counts on.
func (d *deadLetter) headers() []kgo.RecordHeader {
	var all []kgo.RecordHeader
	for _, h := range d.record.Headers {
		if !strings.HasPrefix(h.Key, "penstock-") || h.Key == producer.HeaderAttempt {
			all = append(all, h)
		}
	}
	return all
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
