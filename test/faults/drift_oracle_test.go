package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// How drift is watched here.
const (
	driftPane     = time.Second
	driftWindow   = 12 * time.Second
	driftLateness = 4 * time.Second
)

// watched is what the test itself counts of a window.
type watched struct {
	rows, typeErrors int64
	missing          map[string]int64
}

// mayMiss are the fields that the model does without.
var mayMiss = []string{"secs_since_last", "device.age_days"}

// windows are those that have rows, by their ends, Unix milliseconds.
type windows map[int64]*watched

func (w windows) last() int64 { return slices.Max(slices.Collect(maps.Keys(w))) }

// countWindows counts events, each partition's in its order, as docs/drift.md has
// it: in each window that an event's pane is in, unless the latest event before it
// in its partition was already the lateness past that pane.
func countWindows(events []event) windows {
	const pane, late, length = int64(driftPane / time.Millisecond), int64(driftLateness / time.Millisecond), int64(driftWindow / time.Millisecond)
	all := windows{}
	horizons := map[int32]int64{}
	for i := range events {
		e := &events[i]
		at, ok := eventTime(e.value)
		if !ok {
			continue
		}
		before, seen := horizons[e.at.partition]
		if !seen {
			before = math.MinInt64
		}
		horizons[e.at.partition] = max(before, at)
		start := at - at%pane
		if before >= start+pane+late || e.class != "" && e.class != "type" {
			continue
		}
		for end := start + pane; end <= start+length; end += length / 12 {
			if all[end] == nil {
				all[end] = &watched{missing: map[string]int64{}}
			}
			all[end].add(e)
		}
	}
	return all
}

func (w *watched) add(e *event) {
	w.rows++
	if e.class != "" {
		w.typeErrors++
		return
	}
	for _, field := range mayMiss {
		if absent(e.value, field) {
			w.missing[field]++
		}
	}
}

// absent tells whether an event lacks one of the fields of mayMiss.
func absent(value []byte, field string) bool {
	var e struct {
		Secs   *float64 `json:"secs_since_last"`
		Device struct {
			Age *float64 `json:"age_days"`
		} `json:"device"`
	}
	if err := json.Unmarshal(value, &e); err != nil {
		return false
	}
	if field == mayMiss[0] {
		return e.Secs == nil
	}
	return e.Device.Age == nil
}

// eventTime is an event's own time, Unix milliseconds, also of one that is cut off
// behind it.
func eventTime(value []byte) (ms int64, ok bool) {
	_, rest, _ := bytes.Cut(value, []byte(`"event_time":"`))
	text, _, closed := bytes.Cut(rest, []byte{'"'})
	at, err := time.Parse(time.RFC3339Nano, string(text))
	return at.UnixMilli(), closed && err == nil
}

// reported is the last revision of a window.
type reported struct {
	Rows, Late int64
	Revision   int
	Complete   bool
	Alarm      bool
	End        time.Time
	Features   []struct {
		Name       string
		Rows       int64
		Missing    float64
		TypeErrors int64 `json:"type_errors"`
	}
	raw []byte
}

// lastRevisions finds the last one of each window. Each revision must come once,
// and in its order.
func lastRevisions(v *driftVerdict, reports [][]byte) map[int64]*reported {
	all := map[int64]*reported{}
	for _, raw := range reports {
		r := &reported{raw: raw}
		if err := json.Unmarshal(raw, r); err != nil {
			v.tell("%v: %s", err, raw)
			continue
		}
		end, next := r.End.UnixMilli(), 0
		if before := all[end]; before != nil {
			next = before.Revision + 1
		}
		if r.Revision != next {
			v.repeated++
			v.tell("the window to %v has revision %d where %d should come", r.End, r.Revision, next)
		}
		all[end] = r
		v.revisions++
	}
	return all
}

// driftVerdict is what was found of drift. The first violations are told in words.
type driftVerdict struct {
	windows, revisions int
	rows, late         int64 // of all windows together
	alarms             int
	violations         int
	miscounted         int // of these, windows with other rows,
	repeated           int // and revisions out of order
	told               []string
}

func (v *driftVerdict) tell(format string, args ...any) {
	if v.violations++; v.violations <= tellMost {
		v.told = append(v.told, fmt.Sprintf(format, args...))
	}
}

func (v *driftVerdict) String() string {
	var text strings.Builder
	text.WriteString(fmt.Sprintf("%d windows with %d revisions, %d rows and %d late events in all, %d alarms: %d violations",
		v.windows, v.revisions, v.rows, v.late, v.alarms, v.violations))
	for _, told := range v.told {
		text.WriteString("\n\t" + told)
	}
	return text.String()
}

// checkRows holds reports against what was counted.
func (v *driftVerdict) checkRows(want windows, got map[int64]*reported) {
	v.windows = len(got)
	for _, end := range slices.Sorted(maps.Keys(want)) {
		w, r := want[end], got[end]
		if r == nil {
			v.tell("there is no report of the window to %v, with %d rows", time.UnixMilli(end).UTC(), w.rows)
			continue
		}
		v.rows += r.Rows
		v.late += r.Late
		if r.Alarm {
			v.alarms++
		}
		if r.Rows != w.rows {
			v.miscounted++
		}
		if r.Rows != w.rows || !r.Complete {
			v.tell("the window to %v has %d rows (complete: %t), and should have %d", r.End, r.Rows, r.Complete, w.rows)
		}
		for _, f := range r.Features {
			missing := int64(math.Round(f.Missing * float64(f.Rows)))
			if slices.Contains(mayMiss, f.Name) && missing != w.missing[f.Name] {
				v.tell("the window to %v lacks %s in %d rows, and should in %d", r.End, f.Name, missing, w.missing[f.Name])
			}
			if f.Name == "amount" && f.TypeErrors != w.typeErrors {
				v.tell("the window to %v has %d amounts of another type, and should have %d", r.End, f.TypeErrors, w.typeErrors)
			}
		}
	}
	for end, r := range got {
		if want[end] == nil {
			v.tell("there is a report of the window to %v, which has no events: %d rows", r.End, r.Rows)
		}
	}
}

// checkSame wants the last revisions of two pipelines to be the same bytes, but for
// their names and how often they were corrected. Since when an alarm lasts is what
// was known then: the windows before may have been corrected later.
func (v *driftVerdict) checkSame(got, want map[int64]*reported) {
	for _, end := range slices.Sorted(maps.Keys(want)) {
		if got[end] == nil {
			continue // told already
		}
		g, w := essence(got[end].raw), essence(want[end].raw)
		if g != w {
			v.tell("the window to %v is\n%s\nand undisturbed\n%s", want[end].End, g, w)
		}
	}
}

func essence(report []byte) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(report, &fields); err != nil {
		return err.Error()
	}
	for _, name := range []string{"pipeline", "revision", "since"} {
		delete(fields, name)
	}
	text, err := json.Marshal(fields) // sorts them
	if err != nil {
		return err.Error()
	}
	return string(text)
}
