//go:build kafka

package faults

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// explainMost is how many lost events are looked into.
const explainMost = 10

// explain logs what became of lost events: whether they were ever written, by
// which transaction, and how that ended.
func (st *stage) explain(v *verdict) {
	st.Helper()
	lost := v.missing[:min(len(v.missing), explainMost)]
	if len(lost) == 0 {
		return
	}
	copies := map[place][]string{}
	for _, topic := range []string{st.sink(), st.dead()} {
		type transaction struct {
			partition int32
			producer  int64
		}
		open := map[transaction][]place{}
		st.records(topic, kgo.ReadUncommitted(), func(r *kgo.Record) {
			tx := transaction{r.Partition, r.ProducerID}
			if r.Attrs.IsControl() {
				for _, at := range open[tx] {
					copies[at] = append(copies[at], fmt.Sprintf("%s of epoch %d at %d, %v", marker(r), r.ProducerEpoch, r.Offset, r.Timestamp))
				}
				delete(open, tx)
				return
			}
			if at := origin(r); slices.Contains(lost, at) {
				copies[at] = append(copies[at], fmt.Sprintf("written to %s/%d at %d by producer %d, epoch %d, %v", topic, r.Partition, r.Offset, r.ProducerID, r.ProducerEpoch, r.Timestamp))
				open[tx] = append(open[tx], at)
			}
		})
	}
	for _, at := range lost {
		st.Logf("%v is lost: %q", at, copies[at])
	}
}

// marker tells how a control record ends its transaction.
func marker(r *kgo.Record) string {
	if len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == 1 {
		return "committed by the marker"
	}
	return "aborted by the marker"
}

// origin is the place of the event that a record was made of.
func origin(r *kgo.Record) place {
	id := predictionID(r.Value)
	for _, h := range r.Headers {
		if h.Key == ownHeader+"source" {
			id = string(h.Value)
		}
	}
	_, at, err := parsePlace(id)
	if err != nil {
		return place{-1, r.Offset}
	}
	return at
}
