package producer

import (
	"encoding/json"

	"github.com/nats-io/nats.go/jetstream"
)

// EventOf is the id of the event that a prediction was made of, or a dead letter, as
// it is in the pipeline's own stream; empty where it is neither.
func EventOf(m jetstream.Msg, dead string) string {
	if m.Subject() == dead {
		if ids := m.Headers()[HeaderSource]; len(ids) > 0 {
			return ids[len(ids)-1] // those before it came with the event
		}
		return ""
	}
	var prediction struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(m.Data(), &prediction) != nil {
		return ""
	}
	return prediction.ID
}
