package inference

import (
	"math"
	"strconv"
	"time"

	"github.com/penstock/penstock"
)

// EncoderOptions are what is the same in all records of one model version;
// empty ones are left out of them.
type EncoderOptions struct {
	Pipeline string
	Model    penstock.ModelIdentity
	Variant  string
	Plan     int
}

// Encoder writes prediction records. It is immutable: what does not change
// from event to event is rendered once.
type Encoder struct {
	middle string // from the quote that ends the id to the plan
}

// Stamp is what a record says that neither the batch nor the model knows.
type Stamp struct {
	ID   penstock.EventID
	Time int64 // wall clock, Unix nanoseconds; written to the millisecond
	// Record is the timestamp of the event's record, Unix milliseconds: the event
	// time where the event itself has none that can be read. NoTime: none either.
	Record int64
}

// NoTime is the timestamp of a record that has none, and of a file's rows.
const NoTime = -1

// latestRecord is the last timestamp that fits nanoseconds. What a producer
// wrote beyond it, as one that took microseconds for milliseconds does, is none.
const latestRecord = math.MaxInt64 / int64(time.Millisecond)

// NewEncoder renders the constant part.
func NewEncoder(o EncoderOptions) *Encoder {
	middle := []byte{'"'}
	for _, field := range []struct{ key, value string }{
		{"pipeline", o.Pipeline},
		{"model", o.Model.Name},
		{"version", o.Model.Version},
		{"digest", o.Model.Digest},
		{"variant", o.Variant},
	} {
		if field.value != "" {
			middle = append(append(append(middle, `,"`...), field.key...), `":`...)
			middle = appendText(middle, []byte(field.value))
		}
	}
	if o.Plan != 0 {
		middle = strconv.AppendInt(append(middle, `,"plan":`...), int64(o.Plan), 10)
	}
	return &Encoder{middle: string(middle)}
}

// Append appends the record of one row as JSON, without a newline. The row
// must have a prediction (Scores.Rejection is nil).
func (e *Encoder) Append(dst []byte, stamp *Stamp, s *Scores, row int) []byte {
	dst = append(dst, `{"id":"`...)
	start := len(dst)
	dst = escapeFrom(stamp.ID.AppendTo(dst), start)
	dst = append(dst, e.middle...)
	at, timed := s.batch.EventTime(row)
	if !timed && stamp.Record > NoTime && stamp.Record <= latestRecord {
		at, timed = stamp.Record*int64(time.Millisecond), true
	}
	if timed {
		dst = append(dst, `,"event_time":"`...)
		dst = append(s.eventTime.appendTime(dst, at), '"')
	}
	dst = append(dst, `,"time":"`...)
	dst = append(s.wallTime.appendTime(dst, stamp.Time-stamp.Time%int64(time.Millisecond)), '"')
	dst = s.appendPrediction(dst, row)
	if s.batch.HasPass(row) {
		dst = s.batch.AppendPass(append(dst, `,"pass":`...), row)
	}
	return append(dst, '}')
}

// appendPrediction appends score, label, outputs and flags, each after a comma.
func (s *Scores) appendPrediction(dst []byte, row int) []byte {
	g := s.segment(row)
	r := row - g.lo
	flagged := false // some output is not finite
	if g.score.kind != noScore {
		output, at := s.locateScore(g, r)
		ok := false
		dst, ok = appendElements(append(dst, `,"score":`...), g.out[output], at, at+1)
		s.nonFinite[output] = !ok
		flagged = !ok
	}
	if g.label >= 0 {
		dst, _ = appendElements(append(dst, `,"label":`...), g.out[g.label], r, r+1)
	}
	if len(g.copied) > 0 {
		dst = append(dst, `,"outputs":{`...)
		for i, o := range g.copied {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, s.plan.outputs[o].key...)
			ok := false
			if t := g.out[o]; t.Keys != nil {
				dst, ok = appendMap(dst, t, g.keys[o].texts, r)
			} else {
				dst, ok = appendOutput(dst, t, r)
			}
			if !ok {
				s.nonFinite[o], flagged = true, true
			}
		}
		dst = append(dst, '}')
	}
	if flagged || s.batch.HasFlags(row) {
		dst = s.appendFlags(append(dst, `,"flags":[`...), row)
	}
	return dst
}

// appendFlags appends the batch's flags, then the outputs that were not
// finite, and closes the list.
func (s *Scores) appendFlags(dst []byte, row int) []byte {
	dst = s.batch.AppendFlags(dst, row)
	for o, is := range s.nonFinite {
		if !is {
			continue
		}
		s.nonFinite[o] = false
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = append(dst, s.plan.outputs[o].flag...)
	}
	return append(dst, ']')
}
