package faults

import (
	"fmt"
	"testing"
	"time"
)

// watchedStream is a minute of a partition: an event a second, one of them without
// a field, one of another type, one unreadable, one late for its window and one too
// late for any.
func watchedStream() []event {
	at := func(second int) time.Time { return time.Unix(1_700_000_000+int64(second), 0).UTC() }
	var all []event
	add := func(second int, rest, class string) {
		value := fmt.Appendf(nil, `{"event_time":"%s",%s`, at(second).Format(time.RFC3339Nano), rest)
		all = append(all, event{at: place{0, int64(len(all))}, value: value, class: class})
	}
	const whole = `"secs_since_last":1,"device":{"age_days":2}}`
	for second := range 60 {
		switch second {
		case 20:
			add(second, `"secs_since_last":null,"device":{"age_days":2}}`, "")
		case 25:
			add(second, `"amount":"1"}`, "type")
		case 30:
			add(second, `"secs_`, "decode")
		default:
			add(second, whole, "")
		}
	}
	add(55, whole, "") // 59 is less than the pane's end and the lateness
	add(54, whole, "")
	return all
}

// reportsOf are those of what the oracle counts itself.
func reportsOf(w windows) [][]byte {
	var all [][]byte
	for end, c := range w {
		all = append(all, fmt.Appendf(nil, `{"window":"12s","end":"%s","revision":0,"rows":%d,"complete":true,"features":[{"name":"secs_since_last","rows":%d,"missing":%v},{"name":"amount","rows":%d,"type_errors":%d}]}`,
			time.UnixMilli(end).UTC().Format(time.RFC3339), c.rows, c.rows, float64(c.missing["secs_since_last"])/float64(c.rows), c.rows, c.typeErrors))
	}
	return all
}

// TestDriftOracleCounts: by hand.
func TestDriftOracleCounts(t *testing.T) {
	w := countWindows(watchedStream())
	first := int64(1_700_000_000_000)
	if len(w) != 60+11 {
		t.Errorf("%d windows", len(w))
	}
	for second, want := range map[int64]watched{
		1:  {rows: 1},
		12: {rows: 12},
		26: {rows: 12, typeErrors: 1, missing: map[string]int64{"secs_since_last": 1}},
		31: {rows: 11, typeErrors: 1, missing: map[string]int64{"secs_since_last": 1}},
		33: {rows: 11, typeErrors: 1},
		60: {rows: 13}, // with the one that is late, and not the one that is too late
		71: {rows: 1},
	} {
		got := w[first+second*1000]
		if got == nil || got.rows != want.rows || got.typeErrors != want.typeErrors || got.missing["secs_since_last"] != want.missing["secs_since_last"] {
			t.Errorf("the window to second %d: %+v, want %+v", second, got, want)
		}
	}
}

// TestDriftOracleCatches spoils sound reports in each way that the oracle is there
// for.
func TestDriftOracleCatches(t *testing.T) {
	want := countWindows(watchedStream())
	judge := func(spoil func(map[int64]*reported)) *driftVerdict {
		v := &driftVerdict{}
		got, calm := lastRevisions(v, reportsOf(want)), lastRevisions(v, reportsOf(want))
		spoil(got)
		v.checkRows(want, got)
		v.checkSame(got, calm)
		return v
	}
	if v := judge(func(map[int64]*reported) {}); v.violations != 0 {
		t.Errorf("what is sound is said not to be: %v", v)
	}
	last := want.last()
	for name, spoil := range map[string]func(map[int64]*reported){
		"a window without a report": func(got map[int64]*reported) { delete(got, last) },
		"a window of nothing":       func(got map[int64]*reported) { got[last+1000] = got[last] },
		"rows":                      func(got map[int64]*reported) { got[last].Rows++ },
		"missing values":            func(got map[int64]*reported) { got[last].Features[0].Missing = 1 },
		"values of another type":    func(got map[int64]*reported) { got[last].Features[1].TypeErrors++ },
		"a window that is said to be incomplete": func(got map[int64]*reported) {
			got[last].Complete = false
		},
		"other bytes": func(got map[int64]*reported) { got[last].raw = []byte(`{"js":0.1}`) },
	} {
		t.Run(name, func(t *testing.T) {
			if v := judge(spoil); v.violations == 0 || len(v.told) == 0 {
				t.Errorf("not caught: %v", v)
			}
		})
	}
	reports := reportsOf(want)
	v := &driftVerdict{}
	if lastRevisions(v, append(reports, reports[0])); v.violations != 1 {
		t.Errorf("a report that comes twice: %v", v)
	}
}
