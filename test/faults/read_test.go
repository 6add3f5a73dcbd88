//go:build kafka || nats

package faults

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// settleTime is how long the pipeline may take to finish what is there, after
// the last fault.
const settleTime = 60 * time.Second

// explainMost is how many events are looked into.
const explainMost = 10

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
	st.broker.settled()
	o := oracle{events: st.broker.events()}
	st.expect(o.events)
	o.outputs = st.broker.outputs()
	return o.check()
}

// drained waits until the group stands at the source's ends.
func (st *stage) drained() {
	st.Helper()
	deadline := time.Now().Add(settleTime)
	for {
		at, ends := st.broker.stands()
		if at >= ends && ends > 0 { // on NATS a quiet filter's position moves on with the stream
			return
		}
		if time.Now().After(deadline) {
			st.Fatalf("%s after the last fault the group stands at %d of %d; an epoch is open: %t", settleTime, at, ends, st.broker.open(""))
		}
		time.Sleep(50 * time.Millisecond)
	}
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
