package monitor

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// reasonSuperseded is why an alarm ends whose identity has been superseded: nobody
// counts for it any more, so that nobody would see it end.
const reasonSuperseded = "superseded"

// expect has alarms of other identities looked at again when these would be out of
// use by then: at first sight one may be about to start again.
func (o *owner) expect(others map[string]*abandoned) {
	o.review = time.Time{}
	for _, a := range others {
		if a.told.Alarm != nil {
			o.review = o.m.o.Now().Add(outOfUse)
		}
	}
}

// supersede ends the alarms of identities that are out of use.
func (o *owner) supersede(ctx context.Context) error {
	others, err := o.m.survey(ctx, o.session, []string{toldKey, headKey}, func(*StateRecord) {})
	if err != nil {
		return err
	}
	for _, token := range slices.Sorted(maps.Keys(others)) {
		if a := others[token]; a.told.Alarm != nil && a.outOfUse() {
			if err := o.end(token, a.told); err != nil {
				return err
			}
			a.told.Alarm = nil
		}
	}
	o.expect(others)
	return nil
}

// end ends the alarm of an identity, also for whoever comes back to it.
func (o *owner) end(token string, t told) error {
	e := *t.Alarm
	e.Begins, e.Reason = false, reasonSuperseded
	alarm, err := alarmRecord(o.m.o.Core.Pipeline, token, Identity{Model: t.Model, Version: t.Version}, &e)
	if err != nil {
		return err
	}
	t.Alarm = nil
	state, err := json.Marshal(t)
	if err != nil {
		return err
	}
	o.ends.Alarms = append(o.ends.Alarms, alarm)
	o.ends.State = append(o.ends.State, StateRecord{Identity: token, Key: toldKey, Value: state})
	return nil
}
