package drift

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// AlarmEvent tells that an alarm began or ended.
//
// A drift is one alarm, whichever windows see it: a window begins one only where
// none is on and where it has no event in common with the windows of the last one.
// It ends when the window that began it has been quiet for two of its lengths, or
// a revision took the alarm back.
type AlarmEvent struct {
	Begins   bool      `json:"begins"`
	Window   string    `json:"window"` // as in Report, which window began or ended it
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Since    time.Time `json:"since"`    // as told when it began; with Window it names the alarm
	Severity string    `json:"severity"` // the highest so far
	Features []string  `json:"features"` // that contributed so far, in descending order of their largest effects
	// Reason says why an alarm ends that nobody has seen end; a Judge gives none.
	Reason string `json:"reason,omitempty"`
}

// alarms are the histories of all windows, and the alarm that they share. Its JSON
// form is what docs/formats.md says.
type alarms struct {
	Format    int       `json:"format"`
	Alarm     told      `json:"alarm"`
	Histories []history `json:"windows"`
}

// told is the last alarm that was told.
type told struct {
	On       bool     `json:"on,omitempty"`
	Window   string   `json:"window,omitempty"` // the one that began it
	Since    int64    `json:"since,omitempty"`  // Unix milliseconds
	Until    int64    `json:"until,omitempty"`  // end of the last alarming window
	Effect   float64  `json:"effect,omitempty"` // the largest so far
	Features []string `json:"features,omitempty"`
	// Effects are the largest of each so far. In states of versions that did not
	// keep them there are none.
	Effects map[string]float64 `json:"effects,omitempty"`
}

// alarmsFormat is the version of the JSON form.
const alarmsFormat = 1

func newAlarms(windows []WindowSpec) alarms {
	a := alarms{Format: alarmsFormat}
	for _, w := range windows {
		a.Histories = append(a.Histories, history{Window: w.Name})
	}
	return a
}

func (a *alarms) history(window string) *history {
	i := slices.IndexFunc(a.Histories, func(h history) bool { return h.Window == window })
	return &a.Histories[i]
}

// put remembers a verdict. It gives the start of the first window of the episode
// that the verdict belongs to, and false where the window is too old to change any.
func (a *alarms) put(window string, v verdict) (since int64, taken bool) {
	h := a.history(window)
	if !h.put(v) {
		return v.Start, false
	}
	return h.at(v.End).Since, true
}

// events are those that follow from a report whose verdict was put.
func (a *alarms) events(r *Report, v verdict) []AlarmEvent {
	var all []AlarmEvent
	t := &a.Alarm
	if t.On && v.End > t.Since {
		t.contribute(r)
	}
	if t.On && t.Window == r.Window {
		now := a.history(r.Window).now()
		t.Until = now.Until
		if t.On = now.On; !t.On {
			all = append(all, t.event(r))
		}
	}
	if !t.On && r.Alarm && v.Start >= t.Until {
		*t = told{On: true, Window: r.Window, Since: v.Start, Until: v.End}
		t.contribute(r)
		all = append(all, t.event(r))
	}
	return all
}

// contribute adds what alarms in a window, of any length: they all see one drift.
func (t *told) contribute(r *Report) {
	if t.Effects == nil {
		t.Effects = map[string]float64{}
	}
	t.Features = slices.Clone(t.Features) // events have the list as it was
	for i := range r.Features {
		f := &r.Features[i]
		if !f.Alarm {
			continue
		}
		if !slices.Contains(t.Features, f.Name) {
			t.Features = append(t.Features, f.Name)
		}
		t.Effects[f.Name] = max(t.Effects[f.Name], *f.JSLower)
		t.Effect = max(t.Effect, *f.JSLower)
	}
	slices.SortStableFunc(t.Features, func(a, b string) int { return cmp.Compare(t.Effects[b], t.Effects[a]) })
}

// event tells of the alarm as it is after a report.
func (t *told) event(r *Report) AlarmEvent {
	return AlarmEvent{
		Begins: t.On, Window: r.Window, Start: r.Start, End: r.End,
		Since: instant(t.Since), Severity: severity(t.Effect), Features: t.Features,
	}
}

// State and Restore carry what is on over a takeover. The same verdicts give the
// same bytes.
func (j *Judge) State() []byte {
	state, err := json.Marshal(j.alarms)
	if err != nil {
		panic(err) // never: it has only numbers that are finite, and text
	}
	return state
}

// Alarm says how severe the last alarm that was told is so far, and which features
// contributed to it, in descending order of their largest effects.
func (j *Judge) Alarm() (worst string, features []string) {
	return severity(j.alarms.Alarm.Effect), j.alarms.Alarm.Features
}

// Forget ends the alarm that is on, which others have told.
func (j *Judge) Forget() { j.alarms.Alarm.On = false }

// Restore continues where State was taken. Windows that are no longer configured
// are forgotten, and so is an alarm that one of them began.
func (j *Judge) Restore(state []byte) error {
	var a alarms
	if err := json.Unmarshal(state, &a); err != nil {
		return fmt.Errorf("state of the alarms: %w", err)
	}
	if a.Format != alarmsFormat {
		return fmt.Errorf("state of the alarms: its format is %d, this version reads %d", a.Format, alarmsFormat)
	}
	j.alarms = newAlarms(j.config.Windows)
	for i := range j.alarms.Histories {
		h := &j.alarms.Histories[i]
		for _, restored := range a.Histories {
			if restored.Window == h.Window {
				*h = restored
			}
		}
		if a.Alarm.Window == h.Window {
			j.alarms.Alarm = a.Alarm
		}
	}
	return nil
}
