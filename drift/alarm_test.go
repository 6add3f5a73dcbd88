package drift

import (
	"slices"
	"testing"
	"time"
)

// dayOf is drawWindow of the day that ends with an hour.
func dayOf(s *stream, hour time.Duration, shifts ...float64) *Closed {
	c := drawWindow(s, hour, 24*6000, shifts...)
	c.Window = judgeConfig().Windows[1]
	c.Span.Start = c.Span.End - day.Milliseconds()
	return c
}

// spread is a drift of two features, of which the second then moves more than the
// first ever does, and a third one most, that only the day sees.
func spread(s *stream) []*Closed {
	hour := func(n int) time.Duration { return day + time.Duration(n)*time.Hour }
	return []*Closed{
		drawWindow(s, hour(0), 6000, .8, 0, .6),
		drawWindow(s, hour(1), 6000, 0, 0, 1.5),
		dayOf(s, hour(1), 0, 3),
		drawWindow(s, hour(2), 6000, .7, 0, .5),
		drawWindow(s, hour(3), 6000),
		drawWindow(s, hour(4), 6000),
	}
}

// TestAlarmsTellAllThatContributed: the end has the features of all windows since
// the begin, by their largest effects, also where others took over meanwhile; the
// begin has those of its own window, also after others came.
func TestAlarmsTellAllThatContributed(t *testing.T) {
	s, ref := normalStream(t, 6000)
	schema := NewSchema(s.fields(), ref)
	for _, takenOver := range []bool{false, true} {
		j := NewJudge(schema, ref, judgeConfig())
		var events []AlarmEvent
		for _, c := range spread(s) {
			_, now := j.Judge(c)
			events = append(events, now...)
			if takenOver {
				state := j.State()
				j = NewJudge(schema, ref, judgeConfig())
				if err := j.Restore(state); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(events) != 2 || !events[0].Begins || events[1].Begins {
			t.Fatalf("events are %+v", events)
		}
		begin, end := events[0], events[1]
		if !slices.Equal(begin.Features, []string{"f00", "f02"}) || begin.Severity == SeverityHigh {
			t.Errorf("taken over: %v; it begins with %+v", takenOver, begin)
		}
		if want := []string{"f01", "f02", "f00"}; !slices.Equal(end.Features, want) || end.Severity != SeverityHigh {
			t.Errorf("taken over: %v; it ends with %+v, want the features %v", takenOver, end, want)
		}
	}
}

// TestWindowsBeforeAnAlarm: of what a window of another length says that ends when
// the alarm begins, nothing is the alarm's.
func TestWindowsBeforeAnAlarm(t *testing.T) {
	s, ref := normalStream(t, 6000)
	j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
	j.Judge(drawWindow(s, day, 6000, .8))
	if r, _ := j.Judge(dayOf(s, day-time.Hour, 0, 0, 3)); !r.Alarm {
		t.Fatal("the day does not alarm: the test shows nothing")
	}
	if worst, features := j.Alarm(); worst == SeverityHigh || !slices.Equal(features, []string{"f00"}) {
		t.Errorf("it is %s, of %v", worst, features)
	}
}

// TestAlarmsWithoutEffects goes on from a state of a version that kept the largest
// effect alone: what comes is added, and the severity stays.
func TestAlarmsWithoutEffects(t *testing.T) {
	s, ref := normalStream(t, 6000)
	j := NewJudge(NewSchema(s.fields(), ref), ref, judgeConfig())
	err := j.Restore([]byte(`{"format":1,"alarm":{"on":true,"window":"1h","since":1,"until":3600001,"effect":0.5,"features":["f02","f00"]},
		"windows":[{"window":"1h","before":{"on":true,"since":1,"until":3600001,"mark":3600001}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	j.Judge(drawWindow(s, time.Hour, 6000, 0, .8))
	if worst, features := j.Alarm(); worst != SeverityHigh || !slices.Equal(features, []string{"f01", "f02", "f00"}) {
		t.Errorf("it is %s, of %v", worst, features)
	}
}
