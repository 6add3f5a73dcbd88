package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock/penstock/drift"
)

// The types of alarms' events.
const (
	alarmBegins = "io.penstock.drift.alarm.begin"
	alarmEnds   = "io.penstock.drift.alarm.end"
)

// cloudEvent is an alarm as it is published and posted: a CloudEvent 1.0 in JSON.
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"` // the window's end: event time, as all of drift
	DataContentType string    `json:"datacontenttype"`
	Data            alarmData `json:"data"`
}

type alarmData struct {
	Pipeline string `json:"pipeline"`
	Model    string `json:"model"`
	Version  string `json:"version"`
	drift.AlarmEvent
}

// alarmRecord is the record of an alarm of an identity, whose token is given. The
// same alarm has the same bytes whoever makes it, and however often.
func alarmRecord(pipeline, token string, id Identity, e *drift.AlarmEvent) (Published, error) {
	kind := alarmEnds
	if e.Begins {
		kind = alarmBegins
	}
	key := fmt.Sprintf("%s/%s/%s", id.Model, id.Version, e.Window)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %s %d %d", pipeline, token, key, kind, e.Since.UnixMilli(), e.End.UnixMilli()))
	value, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: "alarm_" + hex.EncodeToString(sum[:12]), Source: "/penstock/" + pipeline, Type: kind,
		Subject: key, Time: e.End.UTC(), DataContentType: "application/json",
		Data: alarmData{Pipeline: pipeline, Model: id.Model, Version: id.Version, AlarmEvent: *e},
	})
	if err != nil {
		return Published{}, fmt.Errorf("write an alarm: %w", err)
	}
	return Published{Key: []byte(key), Value: value}, nil
}
