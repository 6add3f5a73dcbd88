package consumer

import (
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"github.com/penstock/penstock"
)

// append makes an event of a message.
func (n *NATS) append(events []penstock.Event, d *delivery) ([]penstock.Event, error) {
	r := d.reader
	if n.readers[r.number] != r {
		return events, nil // its filter was given away
	}
	meta, err := d.msg.Metadata()
	if err != nil {
		return events, fmt.Errorf("read %s: %w", r.filter, err)
	}
	if meta.Sequence.Consumer != r.delivered+1 {
		return events, fmt.Errorf("read %s: message %d came after %d: %w", r.filter, meta.Sequence.Consumer, r.delivered, ErrGap)
	}
	r.delivered = meta.Sequence.Consumer
	if r.next == 0 {
		n.touched = append(n.touched, r)
	}
	r.next, r.pending = meta.Sequence.Stream+1, meta.NumPending
	if !n.o.ExactlyOnce {
		r.unacknowledged = append(r.unacknowledged, unacknowledged{d.msg.Reply, meta.Sequence.Stream})
	}
	e := penstock.Event{
		ID: penstock.EventID{
			Source: n.source, Subject: d.msg.Subject, Partition: int32(r.number), Offset: int64(meta.Sequence.Stream),
		},
		Value: d.msg.Data, Time: meta.Timestamp.UnixMilli(),
		Control: done(&r.position.Value, d.msg.Subject, meta.Sequence.Stream),
	}
	e.Key = unsafe.Slice(unsafe.StringData(e.ID.Subject), len(e.ID.Subject))
	headers := d.msg.Header
	if e.Value == nil && len(headers["KV-Operation"]) == 0 {
		e.Value = []byte{} // an empty event, and no tombstone
	} else if len(e.Value) == 0 && len(headers["KV-Operation"]) > 0 {
		e.Value = nil
	}
	if len(headers) > 0 {
		for _, key := range slices.Sorted(maps.Keys(headers)) {
			for _, value := range headers[key] {
				e.Headers = append(e.Headers, penstock.Header{Key: key, Value: []byte(value)})
			}
		}
	}
	return append(events, e), nil
}
