package monitor

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
)

// told of an alarm's record.
type alarmSaid struct {
	ID, Type string
	Data     drift.AlarmEvent
}

func alarmsSaid(t *testing.T, records [][]byte) (all []alarmSaid) {
	t.Helper()
	for _, record := range records {
		var a alarmSaid
		if err := json.Unmarshal(record, &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// bubble is when time begins in each.
var bubble = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// superseding runs a core until an alarm is on, then one with other windows that
// takes its place, whose polls take so long each, and gives what both said. What the
// first one wrote is of that moment of the second.
func superseding(t *testing.T, pace, moment time.Duration, became tear) (before CoreOptions, first, second *memory) {
	o := testCore(t)
	log := testDeltas(&o, 100, 20, 40)
	first = newMemory(log[:3*35])
	watchMemory(t, o, first)
	next := o
	next.Windows.Windows = append(slices.Clone(o.Windows.Windows), drift.WindowSpec{Name: "24s", Length: 24 * time.Second})
	next.Judge.Windows = next.Windows.Windows
	next.Identity = NewIdentity("m", "1", o.Schema.Generation, next.Windows)
	second = first.after(log)
	for key := range second.written {
		second.written[key] = bubble.Add(moment)
	}
	second.written[o.Identity.Token()+"/"+toldKey] = bubble // nothing has changed since
	second.pace = pace
	second.tear = func(int) tear {
		if torn := became; second.superseding && torn != whole {
			became = whole
			return torn
		}
		return whole
	}
	watchMemory(t, next, second)
	return o, first, second
}

// TestSuperseded: an alarm that is on when others take over is ended once they see
// that nobody counts for it any more, exactly once, also when the commit that does
// so fails or its answer is lost; and not by who comes back.
func TestSuperseded(t *testing.T) {
	for _, became := range []tear{whole, nothing, answerLost} {
		o, first, second := superseding(t, 40*time.Second, 0, became)
		begun := alarmsSaid(t, first.alarms)
		if len(begun) != 1 || !begun[0].Data.Begins {
			t.Fatalf("the first one says %+v", begun)
		}
		var ends []alarmSaid
		for _, a := range alarmsSaid(t, second.alarms) {
			if a.Data.Reason != "" {
				ends = append(ends, a)
			}
		}
		// The country came later than the begin; its window had few of them.
		if len(ends) == 1 && len(ends[0].Data.Features) <= len(begun[0].Data.Features) {
			t.Errorf("torn %d: ended with the features %v, which began with %v", became, ends[0].Data.Features, begun[0].Data.Features)
		}
		if len(ends) != 1 || ends[0].Type != alarmEnds || ends[0].Data.Reason != reasonSuperseded || ends[0].Data.Begins ||
			!ends[0].Data.Since.Equal(begun[0].Data.Since) || ends[0].Data.Window != begun[0].Data.Window {
			t.Errorf("torn %d: ended by %+v", became, ends)
		}
		log := testDeltas(&o, 100, 20, 40)
		back := second.after(log)
		back.position = first.position
		watchMemory(t, o, back)
		if len(back.reports) < 50 {
			t.Errorf("torn %d: who was away for a moment says %d windows", became, len(back.reports))
		}
		for _, a := range alarmsSaid(t, back.alarms) {
			if !a.Data.Begins && a.Data.Since.Equal(begun[0].Data.Since) {
				t.Errorf("torn %d: who comes back ends it again: %+v", became, a)
			}
		}
	}
}

// TestNotSupersededYet: as long as somebody may count for the identity, nobody else
// ends its alarm.
func TestNotSupersededYet(t *testing.T) {
	_, _, second := superseding(t, time.Second, 0, whole)
	for _, a := range alarmsSaid(t, second.alarms) {
		if a.Data.Reason != "" {
			t.Errorf("%+v", a)
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(second.state)), func(r StateRecord) bool {
		return r.Key == toldKey && strings.Contains(string(r.Value), `"alarm"`)
	}) {
		t.Error("the alarm is not on any more")
	}
}

// TestSupersededWhenSilent: who still counts when it is looked at is looked at again.
func TestSupersededWhenSilent(t *testing.T) {
	before, _, second := superseding(t, 40*time.Second, 4*time.Minute, whole)
	ended := second.written[before.Identity.Token()+"/"+toldKey].Sub(bubble)
	if ended < 9*time.Minute || ended > 12*time.Minute {
		t.Errorf("the alarm was ended %s after the beginning, and its owner's last word was of 4 minutes after it", ended)
	}
	if len(second.surveyed) > 3 || slices.Max(second.surveyed[1:]) > 4 {
		t.Errorf("the state was read %d times, and gave so many records of what two identities told and how far they are: %d", len(second.surveyed), second.surveyed)
	}
	if second.left > 0 {
		t.Errorf("%d times, a context was left that was made for reading the state", second.left)
	}
}
