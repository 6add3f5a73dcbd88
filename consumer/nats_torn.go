package consumer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/failpoint"
)

// tears tells whether the server may keep the first part of an atomic batch alone. It
// does where the stream has one replica and max_file_store, or the account's limit,
// is reached while the batch is written; nobody is answered then. Who begins to read
// a filter there first writes its position anew, so that no batch of anybody's who
// read it before is written any more, and then looks for what such a batch has left
// behind the position that was there before.
func (n *NATS) tears() bool {
	if failpoint.Mutant(broker.PositionOutsideBatch) || failpoint.Mutant(broker.DeltasOutsideCommit) {
		return false // what these leave would be taken for that, and mended
	}
	return n.o.ExactlyOnce && n.o.Session.Batches.Begin == nil && n.o.Session.Own.CachedInfo().Config.Replicas == 1
}

// since is behind which sequence of the own stream to look for what a batch has left,
// by a filter's position or by another one's before that was looked at; 0: nowhere.
func (n *NATS) since(before uint64, held broker.Held[broker.Position]) uint64 {
	if !n.tears() || !held.Value.OverrulesConsumer {
		return before
	}
	since := cmp.Or(held.Value.Since, held.Sequence)
	return min(since, cmp.Or(before, since))
}

// at is the reader's position when it has come to next. Until it is behind all that
// a batch has left, that has to be found again by who reads the filter next.
func (r *filterReader) at(next uint64) broker.Position {
	p := moved(r.position.Value, next)
	if n := len(r.published); n == 0 || r.published[n-1] < next {
		p.Since = 0
	}
	return p
}

// Published tells whether an event has its record already, so that it is only
// counted: its record is part of a batch that the server did not finish.
func (n *NATS) Published(id *penstock.EventID) bool {
	r := n.readers[int(id.Partition)]
	if r == nil || len(r.published) == 0 {
		return false
	}
	_, found := slices.BinarySearch(r.published, uint64(id.Offset))
	return found
}

// fence writes the positions of readers anew.
func (n *NATS) fence(ctx context.Context, readers []*filterReader) error {
	ctx, cancel := context.WithTimeout(ctx, n.o.Timeout)
	defer cancel()
	guards := make([]broker.Guard, len(readers))
	for i, r := range readers {
		p := &r.position.Value
		p.Since = n.since(0, r.position)
		var err error
		if guards[i], err = positionGuard(n.o.Session.Subjects.Position(r.filter), p, r.position.Sequence); err != nil {
			return err
		}
	}
	sequences, err := n.o.Session.Batches.PublishAll(ctx, n.o.Session.Conn, guards)
	if err != nil {
		return fmt.Errorf("write positions anew: %w", err)
	}
	for i, r := range readers {
		r.position.Sequence = sequences[i]
	}
	return nil
}

// mend finds what batches have left that the server did not finish, where it may.
func (n *NATS) mend(ctx context.Context, readers []*filterReader) error {
	if len(readers) == 0 || !n.tears() {
		return nil
	}
	if err := n.fence(ctx, readers); err != nil {
		return err
	}
	t := torn{n: n, readers: readers, by: map[string]*filterReader{}, counted: map[*filterReader]map[span]int{}}
	var from, to uint64
	for _, r := range readers {
		since := r.position.Value.Since
		from, to = min(since, cmp.Or(from, since)), max(to, r.position.Sequence)
	}
	if err := t.read(ctx, from+1, to); err != nil {
		return fmt.Errorf("look for what is left of a batch: %w", err)
	}
	for _, r := range t.readers {
		t.settle(r)
	}
	return nil
}

// torn is what is found between positions.
type torn struct {
	n       *NATS
	readers []*filterReader
	by      map[string]*filterReader // subjects of events; nil: none of the readers takes it
	counted map[*filterReader]map[span]int
}

// span is a range of the source that was counted for drift, in so many parts.
type span struct {
	from, to int64
	parts    int
}

// read reads the records from one sequence of the own stream to another.
func (t *torn) read(ctx context.Context, from, to uint64) error {
	s := t.n.o.Session
	c, err := s.Own.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubjects: s.Subjects.Records(), DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1, InactiveThreshold: gone, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return err
	}
	defer broker.DeleteConsumer(s.Conn, c.CachedInfo().Stream, c.CachedInfo().Name)
	return broker.ReadPending(ctx, c, t.n.o.Timeout, func(m jetstream.Msg, meta *jetstream.MsgMetadata) (bool, error) {
		at := meta.Sequence.Stream
		if at >= to {
			return false, nil
		}
		return at+1 < to, t.note(m, at)
	})
}

// note notes a record at a sequence of the own stream, if it is behind the position
// that its filter had.
func (t *torn) note(m jetstream.Msg, at uint64) error {
	if m.Subject() == t.n.o.Session.Subjects.Panes() {
		return t.noteCounts(m.Data(), at)
	}
	rest, ok := strings.CutPrefix(t.n.o.EventOf(m), t.n.source+"/")
	slash := strings.LastIndexByte(rest, '/')
	if !ok || slash < 0 {
		return nil // of another source, which the pipeline had before
	}
	sequence, err := strconv.ParseUint(rest[slash+1:], 10, 64)
	if err != nil {
		return nil // nobody's
	}
	if r := t.reader(rest[:slash]); r != nil && at > r.position.Value.Since && sequence >= r.position.Value.Next {
		r.published = append(r.published, sequence)
	}
	return nil
}

// mostSubjects bounds the subjects that are remembered.
const mostSubjects = 4096

// reader is the one that takes events of a subject; nil: it is none of those.
func (t *torn) reader(subject string) *filterReader {
	r, known := t.by[subject]
	if known {
		return r
	}
	if i := slices.IndexFunc(t.readers, func(r *filterReader) bool { return config.Covers(r.filter, subject) }); i >= 0 {
		r = t.readers[i]
	}
	if len(t.by) == mostSubjects {
		clear(t.by)
	}
	t.by[subject] = r
	return r
}

// noteCounts notes what was counted of a range.
func (t *torn) noteCounts(record []byte, at uint64) error {
	d, err := drift.DecodeDelta(record)
	if err != nil {
		return err
	}
	for _, r := range t.readers {
		if p := t.n.placeOf(r, 0); p.Source == d.Source && at > r.position.Value.Since {
			if t.counted[r] == nil {
				t.counted[r] = map[span]int{}
			}
			t.counted[r][span{d.From, d.To, d.Parts}]++
		}
	}
	return nil
}

// settle has a reader go on behind what was counted whole: that comes last in a
// batch, so that all of its events have their records.
func (t *torn) settle(r *filterReader) {
	for again := true; again; {
		again = false
		for s, parts := range t.counted[r] {
			if next := int64(r.position.Value.Next); parts == s.parts && s.from <= next && next < s.to {
				r.position.Value = moved(r.position.Value, uint64(s.to))
				again = true
			}
		}
	}
	slices.Sort(r.published)
	done, _ := slices.BinarySearch(r.published, r.position.Value.Next)
	if n := len(r.published); n > 0 {
		t.n.o.Log.Warn("the server did not finish a batch; what it has of it is not published again",
			"stream", t.n.source, "filter", r.filter, "sequence", r.position.Value.Next, "records", n)
	}
	r.published = r.published[done:]
}
