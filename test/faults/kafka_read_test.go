//go:build kafka

package faults

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// records reads a topic to its end, with the control records.
func (k *onKafka) records(topic string, isolation kgo.IsolationLevel, each func(*kgo.Record)) {
	k.st.Helper()
	ctx, cancel := context.WithTimeout(k.st.Context(), settleTime)
	defer cancel()
	ends, err := k.Admin().ListEndOffsets(ctx, topic)
	if err != nil {
		k.st.Fatal(err)
	}
	left, starts := map[int32]int64{}, map[int32]kgo.Offset{}
	for p, end := range ends[topic] {
		if end.Offset > 0 {
			left[p], starts[p] = end.Offset, kgo.NewOffset().AtStart()
		}
	}
	client := k.client(kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			k.st.Fatalf("read %s: %v; left: %v", topic, err, left)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			each(r)
		})
	}
}

func headers(r *kgo.Record) []header {
	all := make([]header, len(r.Headers))
	for i, h := range r.Headers {
		all[i] = header{h.Key, string(h.Value)}
	}
	return all
}

func (k *onKafka) events() []event {
	k.st.Helper()
	var all []event
	k.records(k.source(), kgo.ReadCommitted(), func(r *kgo.Record) {
		all = append(all, event{at: place{r.Partition, r.Offset}, key: r.Key, headers: headersOf(headers(r)), value: r.Value})
	})
	return all
}

func (k *onKafka) outputs() []output {
	k.st.Helper()
	var all []output
	for _, topic := range []string{k.sink(), k.dead()} {
		dead := topic == k.dead()
		k.records(topic, kgo.ReadCommitted(), func(r *kgo.Record) {
			if r.Attrs.IsControl() {
				return
			}
			out := output{at: origin(r), dead: dead, partition: r.Partition, key: r.Key, headers: headersOf(headers(r)), value: r.Value}
			for _, h := range r.Headers {
				if dead && h.Key == ownHeader+"error-class" {
					out.class = string(h.Value)
				}
			}
			all = append(all, out)
		})
	}
	return all
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

func (k *onKafka) arrivals(ctx context.Context, each func(partition int32)) {
	client := k.client(kgo.ConsumeTopics(k.sink(), k.dead()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer client.Close()
	for ctx.Err() == nil {
		// Errors are the broker's death, which tests intend.
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if at := origin(r); at.partition >= 0 {
				each(at.partition)
			}
		})
	}
}

// explain tells whether lost events were ever written, by which transaction, and
// how that ended.
func (k *onKafka) explain(v *verdict) {
	k.st.Helper()
	lost := v.missing[:min(len(v.missing), explainMost)]
	if len(lost) == 0 {
		return
	}
	copies := map[place][]string{}
	for _, topic := range []string{k.sink(), k.dead()} {
		type transaction struct {
			partition int32
			producer  int64
		}
		open := map[transaction][]place{}
		k.records(topic, kgo.ReadUncommitted(), func(r *kgo.Record) {
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
		k.st.Logf("%v is lost: %q", at, copies[at])
	}
}

// marker tells how a control record ends its transaction.
func marker(r *kgo.Record) string {
	if len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == 1 {
		return "committed by the marker"
	}
	return "aborted by the marker"
}

func (k *onKafka) reports(pipeline string) [][]byte {
	k.st.Helper()
	var all [][]byte
	k.records(pipeline+".drift", kgo.ReadCommitted(), func(r *kgo.Record) {
		if !r.Attrs.IsControl() {
			all = append(all, r.Value)
		}
	})
	return all
}
