package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock/penstock"
)

// record is one of a stream, as whoever reads it sees it.
type record struct {
	Partition  int32
	Offset     int64
	Key, Value []byte
	Headers    []penstock.Header
}

func (r *record) header(key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// seen is what a prediction says.
type seen struct {
	ID    string   `json:"id"`
	Score *float64 `json:"score"`
	Pass  struct {
		Pass string `json:"pass"`
	} `json:"pass"`
}

func (r *record) prediction(t testing.TB) seen {
	t.Helper()
	var p seen
	if err := json.Unmarshal(r.Value, &p); err != nil {
		t.Fatalf("prediction %q: %v", r.Value, err)
	}
	return p
}

// event is x as an event of a partition, with a key where there is one.
func event(partition int32, x int, key ...string) record {
	r := record{Partition: partition, Value: fmt.Appendf(nil, `{"x":%d,"pass":"%d"}`, x, x)}
	if len(key) > 0 {
		r.Key = []byte(key[0])
	}
	return r
}

// numbered are events first..last in turn over the partitions.
func numbered(first, last, partitions int) []record {
	var all []record
	for x := first; x <= last; x++ {
		all = append(all, event(int32(x%partitions), x))
	}
	return all
}

// settled checks that each of the events numbered first..last, but those that
// are left out, has exactly one prediction with the right score, and that those
// of each source partition are in order within their sink partition.
func settled(t testing.TB, predictions []record, first, last int, leftOut ...int) {
	t.Helper()
	times := map[string]int{}
	latest := map[string]int64{} // offset by source partition and sink partition
	for i := range predictions {
		p := predictions[i].prediction(t)
		times[p.Pass.Pass]++
		x, err := strconv.Atoi(p.Pass.Pass)
		if err != nil || p.Score == nil || *p.Score != 2*float64(x) {
			t.Errorf("prediction %s has not twice its x", predictions[i].Value)
		}
		at := strings.LastIndexByte(p.ID, '/')
		offset, _ := strconv.ParseInt(p.ID[at+1:], 10, 64)
		lane := fmt.Sprintf("%s to %d", p.ID[:at], predictions[i].Partition)
		if before, ok := latest[lane]; ok && offset <= before {
			t.Errorf("%s: %d comes after %d", lane, offset, before)
		}
		latest[lane] = offset
	}
	var wrong []error
	for x := first; x <= last; x++ {
		want := 1
		if slices.Contains(leftOut, x) {
			want = 0
		}
		if n := times[strconv.Itoa(x)]; n != want {
			wrong = append(wrong, fmt.Errorf("event %d has %d predictions", x, n))
		}
		delete(times, strconv.Itoa(x))
	}
	for x, n := range times {
		wrong = append(wrong, fmt.Errorf("%d predictions of %s, which is none of ours", n, x))
	}
	if len(wrong) > 0 {
		t.Errorf("%d wrong: %v", len(wrong), errors.Join(wrong[:min(len(wrong), 5)]...))
	}
}

// predicted waits for the predictions of the events numbered first..last, but
// those that are left out, and gives all that are there. Exactly once they are
// settled; at least once there may be more, so it reads on until none is missing.
func predicted(t testing.TB, s stream, exactlyOnce bool, first, last int, leftOut ...int) []record {
	t.Helper()
	if exactlyOnce {
		all := s.Read(t, sink, last-first+1-len(leftOut))
		settled(t, all, first, last, leftOut...)
		return all
	}
	for n := last - first + 1 - len(leftOut); ; {
		all := s.Read(t, sink, n)
		if complete(t, all, first, last, leftOut...) == nil {
			return all
		}
		n = len(all) + 1
	}
}

// complete tells which of the events numbered first..last, but those that are
// left out, have no prediction.
func complete(t testing.TB, predictions []record, first, last int, leftOut ...int) error {
	t.Helper()
	there := map[string]bool{}
	for i := range predictions {
		there[predictions[i].prediction(t).Pass.Pass] = true
	}
	var missing []int
	for x := first; x <= last; x++ {
		if !there[strconv.Itoa(x)] && !slices.Contains(leftOut, x) {
			missing = append(missing, x)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("events %d have no prediction", missing)
	}
	return nil
}
