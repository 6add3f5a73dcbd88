//go:build kafka

package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// settleTime is how long the pipeline may take to finish what is there, after
// the last fault.
const settleTime = 60 * time.Second

// judge waits until all that was sent is done with, and gives the oracle's
// verdict.
func (st *stage) judge() *verdict {
	st.Helper()
	st.drained()
	return st.verdict()
}

// verdict is that on what is there now.
func (st *stage) verdict() *verdict {
	st.Helper()
	st.settled(st.source(), st.sink(), st.dead())
	o := oracle{events: st.events()}
	st.expect(o.events)
	o.outputs = append(st.outputs(st.sink(), false), st.outputs(st.dead(), true)...)
	return o.check()
}

// drained waits until the group stands at the source's ends. The sums are
// compared: a lag of zero is also what a group shows that never committed.
func (st *stage) drained() {
	st.Helper()
	admin := st.broker.Admin()
	at := func() (stands, ends int64) {
		ctx, cancel := context.WithTimeout(st.Context(), 5*time.Second)
		defer cancel()
		committed, err := admin.FetchOffsets(ctx, st.name)
		all, err2 := admin.ListEndOffsets(ctx, st.source())
		if err != nil || err2 != nil {
			return -1, 0
		}
		for p := range int32(sourcePartitions) {
			if o, ok := committed.Lookup(st.source(), p); ok {
				stands += o.At
			}
			if o, ok := all.Lookup(st.source(), p); ok {
				ends += o.Offset
			}
		}
		return stands, ends
	}
	deadline := time.Now().Add(settleTime)
	for {
		stands, ends := at()
		if stands == ends && ends > 0 {
			return
		}
		if time.Now().After(deadline) {
			st.Fatalf("%s after the last fault the group stands at %d of %d; open transactions: %v", settleTime, stands, ends, st.open())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// settled waits until no transaction is open in the topics.
func (st *stage) settled(topics ...string) {
	st.Helper()
	st.eventually(settleTime+st.transactionTimeout, "the last transaction ends", func() bool {
		ctx, cancel := context.WithTimeout(st.Context(), 5*time.Second)
		defer cancel()
		stable, err := st.broker.Admin().ListCommittedOffsets(ctx, topics...)
		ends, err2 := st.broker.Admin().ListEndOffsets(ctx, topics...)
		if err != nil || err2 != nil {
			return false
		}
		for topic, partitions := range ends {
			for p, end := range partitions {
				if stable[topic][p].Offset != end.Offset {
					return false
				}
			}
		}
		return true
	})
}

// records reads a topic to its end, with the control records.
func (st *stage) records(topic string, isolation kgo.IsolationLevel, each func(*kgo.Record)) {
	st.Helper()
	ctx, cancel := context.WithTimeout(st.Context(), settleTime)
	defer cancel()
	ends, err := st.broker.Admin().ListEndOffsets(ctx, topic)
	if err != nil {
		st.Fatal(err)
	}
	left, starts := map[int32]int64{}, map[int32]kgo.Offset{}
	for p, end := range ends[topic] {
		if end.Offset > 0 {
			left[p], starts[p] = end.Offset, kgo.NewOffset().AtStart()
		}
	}
	client := st.client(kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			st.Fatalf("read %s: %v; left: %v", topic, err, left)
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

// events are those of the source.
func (st *stage) events() []event {
	st.Helper()
	var all []event
	st.records(st.source(), kgo.ReadCommitted(), func(r *kgo.Record) {
		all = append(all, event{at: place{r.Partition, r.Offset}, key: r.Key, headers: headersOf(headers(r)), value: r.Value})
	})
	return all
}

// outputs are the records of a topic of predictions or dead letters.
func (st *stage) outputs(topic string, dead bool) []output {
	st.Helper()
	var all []output
	st.records(topic, kgo.ReadCommitted(), func(r *kgo.Record) {
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
	return all
}

// predictionID reads the id, the first field of a prediction.
func predictionID(value []byte) string {
	_, rest, _ := bytes.Cut(value, []byte(`"id":"`))
	id, _, _ := bytes.Cut(rest, []byte{'"'})
	return string(id)
}

// expect has penstock predict score the events, from a file.
func (st *stage) expect(events []event) {
	st.Helper()
	var text bytes.Buffer
	var lines []*event
	for i := range events {
		if events[i].value != nil {
			text.Write(append(bytes.Clone(events[i].value), '\n'))
			lines = append(lines, &events[i])
		}
	}
	file, rejects, out := filepath.Join(st.dir, "all.jsonl"), filepath.Join(st.dir, "rejects.jsonl"), filepath.Join(st.dir, "out.jsonl")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		st.Fatal(err)
	}
	predict := exec.Command(shared.binary, "predict", st.config, file, "-o", out, "--rejects", rejects, "-q")
	if said, err := predict.CombinedOutput(); err != nil {
		st.Fatalf("%v: %v\n%s", predict, err, said)
	}
	st.lines(out, func(line []byte, at int) {
		want, err := canonical(line)
		if err != nil {
			st.Fatal(err)
		}
		lines[at].prediction = want
	})
	st.lines(rejects, func(line []byte, at int) {
		var reject struct{ Class string }
		if err := json.Unmarshal(line, &reject); err != nil {
			st.Fatal(err)
		}
		lines[at].class = reject.Class
	})
	for i, e := range lines {
		if (e.prediction == "") == (e.class == "") {
			st.Fatalf("predict gave nothing for line %d: %s", i, e.value)
		}
	}
}

// lines calls each with a line and the number of the event in its id.
func (st *stage) lines(file string, each func(line []byte, at int)) {
	st.Helper()
	f, err := os.Open(file)
	if err != nil {
		st.Fatal(err)
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		id := predictionID(scanner.Bytes())
		var at int
		if _, err := fmt.Sscan(id[strings.LastIndexByte(id, '/')+1:], &at); err != nil {
			st.Fatalf("%s: no number in %q: %v", file, scanner.Bytes(), err)
		}
		each(scanner.Bytes(), at)
	}
	if err := scanner.Err(); err != nil {
		st.Fatal(err)
	}
}
