package drift

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// normalStream has a reference of four days and three features; hourly windows
// have rows rows.
func normalStream(t *testing.T, rows float64) (*stream, *Reference) {
	t.Helper()
	f := families[0]
	f.reference = 4 * day
	s := newStream(f, 3, 5*time.Minute, rows/hops, 7)
	ref, err := s.collect()
	if err != nil {
		t.Fatal(err)
	}
	return s, ref
}

func judgeConfig() JudgeConfig {
	return JudgeConfig{FalseAlarms: 1, Per: month, Effect: .1, MinRows: 500, Windows: []WindowSpec{
		{Name: "1h", Length: time.Hour}, {Name: "24h", Length: day},
	}}
}

// drawWindow is a closed window of an hour, the given features' means moved.
func drawWindow(s *stream, start time.Duration, rows int64, shifts ...float64) *Closed {
	c := &Closed{Window: WindowSpec{Name: "1h", Length: time.Hour}, Rows: rows, Complete: true}
	c.Span = Span{Start: start.Milliseconds(), End: (start + time.Hour).Milliseconds()}
	for i := range s.features {
		var shift float64
		if i < len(shifts) {
			shift = shifts[i]
		}
		c.Fields = append(c.Fields, s.counts(s.draw(rows, shift)))
	}
	return c
}

// Values of another type are drift as missing ones are: all of them, and many.
func TestTypeErrorsAreDrift(t *testing.T) {
	s, ref := normalStream(t, 6000)
	for share, want := range map[float64]bool{0: false, .001: false, .2: true, 1: true} {
		c := drawWindow(s, 0, 5000)
		errors := int64(share * 5000)
		c.Fields[1] = s.counts(s.draw(5000-errors, 0))
		c.Fields[1].Rows, c.Fields[1].TypeErrors = 5000, errors
		r, _ := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig()).Judge(c)
		if f := r.Features[1]; f.Status != StatusOK || f.Alarm != want || r.Alarm != want || f.TypeErrors != errors {
			t.Errorf("%g of type errors: %+v", share, f)
		}
	}
}

// An estimate of different values is never above the values.
func TestDistinctIsAtMostTheValues(t *testing.T) {
	schema := NewSchema([]Field{{Name: "k", Kind: Categorical}}, nil)
	judge, counter := NewJudge(schema, nil, judgeConfig()), NewCounter(schema)
	above := false
	for i := range 500 {
		counter.Text(0, fmt.Append(nil, i))
		counts := counter.Counts(nil)
		r, _ := judge.Judge(&Closed{Window: judgeConfig().Windows[0], Rows: int64(i + 1), Fields: counts})
		if got := *r.Features[0].Distinct; got > int64(i+1) || got < int64(i)*9/10 {
			t.Fatalf("%d values are %d different ones", i+1, got)
		}
		above = above || counts[0].Distinct.Estimate() > int64(i+1)
	}
	if !above {
		t.Error("no estimate is above the values")
	}
}

func TestJudgeSaysWhatIsNotThere(t *testing.T) {
	s, ref := normalStream(t, 6000)
	few := *ref
	few.Starts = few.Starts[:minStretches-1]
	few.Fields = slices.Clone(few.Fields)
	for i := range few.Fields {
		few.Fields[i].Blocks = few.Fields[i].Blocks[:minStretches-1]
	}
	untimed := few
	untimed.Block = 0
	doubtful := *ref
	doubtful.Incomplete = "a shard was missing"
	small := *ref
	small.Fields = slices.Clone(small.Fields)
	for i := range small.Fields {
		small.Fields[i].Counts = s.counts(s.draw(499, 0))
	}
	for _, tc := range []struct {
		what   string
		ref    *Reference
		rows   int64
		status Status
	}{
		{"enough", ref, 500, StatusOK},
		{"a row short", ref, 499, StatusInsufficient},
		{"no row", ref, 0, StatusInsufficient},
		{"a reference a row short", &small, 500, StatusInsufficient},
		{"no reference", nil, 5000, StatusCollecting},
		{"a reference that may not be trusted", &doubtful, 5000, StatusIncomplete},
		{"a reference of too few stretches", &few, 5000, StatusIncomplete},
		{"a reference of few rows without a time", &untimed, 5000, StatusOK},
	} {
		j := NewJudge(NewSchema(s.fields(), tc.ref), tc.ref, judgeConfig())
		r, events := j.Judge(drawWindow(s, 0, tc.rows, 3, 3, 3))
		for _, f := range r.Features {
			if f.Status != tc.status {
				t.Errorf("%s: %s is %q, want %q", tc.what, f.Name, f.Status, tc.status)
			}
			if ok := f.Status == StatusOK; (f.JS != nil) != ok || (f.P != nil) != ok || (f.Q != nil) != ok || f.Alarm != ok {
				t.Errorf("%s: %s has statistics %+v", tc.what, f.Name, f)
			}
		}
		if ok := tc.status == StatusOK; r.Alarm != ok || (len(events) > 0) != ok {
			t.Errorf("%s: alarm %v, events %v", tc.what, r.Alarm, events)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
}

// Either condition alone would alarm here.
func TestAlarmsAreSignificantAndBigEnough(t *testing.T) {
	s, ref := normalStream(t, 6000)
	for _, tc := range []struct {
		what  string
		rows  int64
		shift float64
		alarm bool
	}{
		{"a small shift of many rows is significant and not worth an alarm", 1_000_000, .05, false},
		{"the same of fewer rows", 2000, .05, false},
		{"a big shift", 6000, .8, true},
	} {
		j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
		r, _ := j.Judge(drawWindow(s, 0, tc.rows, tc.shift))
		if f := r.Features[0]; f.Alarm != tc.alarm || r.Alarm != tc.alarm {
			t.Errorf("%s: alarm %v, p %g, JS at least %g", tc.what, f.Alarm, *f.P, *f.JSLower)
		}
	}
	// Of all features the least p is corrected by their number.
	j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
	r, _ := j.Judge(drawWindow(s, 0, 6000, .3))
	if f := r.Features[0]; *f.Q <= *f.P {
		t.Errorf("p %g became q %g", *f.P, *f.Q)
	}
}

func TestAlarmSaysWhatItIsAbout(t *testing.T) {
	s, ref := normalStream(t, 6000)
	j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
	r, events := j.Judge(drawWindow(s, 0, 6000, .8, 0, 3))
	if want := []string{"f02", "f00"}; !slices.Equal(r.Contributors, want) {
		t.Errorf("contributors are %v, want the one that moved most first: %v", r.Contributors, want)
	}
	if r.Severity != SeverityHigh || !r.Since.Equal(instant(0)) {
		t.Errorf("severity %q since %v", r.Severity, r.Since)
	}
	if len(events) != 1 || !events[0].Begins || events[0].Severity != SeverityHigh || !slices.Equal(events[0].Features, r.Contributors) || !events[0].Since.Equal(instant(0)) {
		t.Errorf("events are %+v", events)
	}
	r, events = j.Judge(drawWindow(s, 5*time.Minute, 6000, .8))
	if len(events) != 0 || !r.Since.Equal(instant(0)) || r.Severity != SeverityMedium && r.Severity != SeverityLow {
		t.Errorf("the next window: %+v, since %v, severity %q", events, r.Since, r.Severity)
	}
	for _, tc := range []struct {
		effect float64
		want   string
	}{{0, SeverityLow}, {.199, SeverityLow}, {.2, SeverityMedium}, {.399, SeverityMedium}, {.4, SeverityHigh}, {1, SeverityHigh}} {
		if got := severity(tc.effect); got != tc.want {
			t.Errorf("severity of %g is %s, want %s", tc.effect, got, tc.want)
		}
	}
}

// course is five days of windows of both lengths, in which a feature drifts from
// hour 20 to hour 24.
func course(t *testing.T) (*stream, *Reference, []*Closed) {
	s, ref := normalStream(t, 1200)
	start := s.now
	var all []*Closed
	windows := []*sliding{newSliding(judgeConfig().Windows[0], s), newSliding(judgeConfig().Windows[1], s)}
	for s.now < start+5*day {
		drawn := s.next()
		if at := s.now - start; at > 20*time.Hour && at <= 24*time.Hour {
			s.drawInto(s.feature(drawn, 0), 100, 2)
		}
		for _, w := range windows {
			if w.add(s.now, s.pane, drawn) {
				all = append(all, w.close(s))
			}
		}
	}
	return s, ref, all
}

// The drift is in windows of an hour and of a day, and is one alarm. Without
// hysteresis, or with an alarm a window, there are more.
func TestOneDriftIsOneAlarm(t *testing.T) {
	s, ref, all := course(t)
	j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
	alarming := map[string]int{}
	var events []AlarmEvent
	for _, c := range all {
		r, now := j.Judge(c)
		if r.Alarm {
			alarming[r.Window]++
		}
		events = append(events, now...)
	}
	if alarming["1h"] < 40 || alarming["24h"] < 5 {
		t.Fatalf("alarming windows are %v: the test shows nothing", alarming)
	}
	if len(events) != 2 || !events[0].Begins || events[1].Begins {
		t.Fatalf("events are %+v", events)
	}
	begin, end := events[0], events[1]
	drifted := instant((4*day + 20*time.Hour).Milliseconds())
	if begin.Window != "1h" || begin.End.Before(drifted) || begin.End.After(drifted.Add(30*time.Minute)) {
		t.Errorf("it begins with %+v", begin)
	}
	if over := drifted.Add(4 * time.Hour); end.End.Before(over.Add(2*time.Hour)) || end.End.After(over.Add(3*time.Hour)) {
		t.Errorf("it ends with %+v", end)
	}
	if !end.Since.Equal(begin.Since) || !slices.Equal(end.Features, []string{"f00"}) || end.Severity != SeverityHigh {
		t.Errorf("it ends with %+v, and began with %+v", end, begin)
	}
}

// Another judge takes over after every window. A piece of state left out fails.
func TestJudgeTakesOver(t *testing.T) {
	s, ref, all := course(t)
	schema := NewSchema(s.fields(), ref)
	one, other := NewJudge(schema, ref, judgeConfig()), NewJudge(schema, ref, judgeConfig())
	fresh := other.State()
	for _, c := range all {
		r, events := one.Judge(c)
		state := other.State()
		if err := other.Restore(fresh); err != nil {
			t.Fatal(err)
		}
		if err := other.Restore(state); err != nil {
			t.Fatal(err)
		}
		again, andEvents := other.Judge(c)
		if a, b := text(t, r, events), text(t, again, andEvents); a != b {
			t.Fatalf("undisturbed:\n%s\nafter a takeover:\n%s", a, b)
		}
		if !bytes.Equal(one.State(), other.State()) {
			t.Fatalf("states differ:\n%s\n%s", one.State(), other.State())
		}
	}
	if len(one.State()) > 32<<10 {
		t.Errorf("the state has %d bytes", len(one.State()))
	}
}

func text(t *testing.T, values ...any) string {
	t.Helper()
	data, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRestoreRefusesWhatItCannotRead(t *testing.T) {
	s, ref := normalStream(t, 1200)
	j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
	for _, state := range []string{"", "{", `{"format":2}`, `[]`} {
		if err := j.Restore([]byte(state)); err == nil {
			t.Errorf("%q was taken", state)
		}
	}
	state := `{"format":1,"alarm":{"on":true,"window":"7h"},"windows":[{"window":"7h","before":{}}]}`
	if err := j.Restore([]byte(state)); err != nil {
		t.Fatal(err)
	}
	if got, want := string(j.State()), string(NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig()).State()); got != want {
		t.Errorf("a window that is not configured any more left %s", got)
	}
}

// A revision can take an alarm back, and a later one begin it.
func TestRevisionsOfTheFirstWindow(t *testing.T) {
	s, ref := normalStream(t, 6000)
	j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
	var got []string
	for revision, shift := range []float64{0, 2, 2, 0, 2} {
		c := drawWindow(s, 0, 6000, shift)
		c.Revision = revision
		_, events := j.Judge(c)
		got = append(got, fmt.Sprint(len(events), len(events) > 0 && events[0].Begins))
	}
	if want := []string{"0 false", "1 true", "0 false", "1 false", "1 true"}; !slices.Equal(got, want) {
		t.Errorf("events are %v, want %v", got, want)
	}
}
