package broker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// resetSubject is the API's that has a consumer begin again behind what was
// acknowledged, with deliveries counted from 1.
const resetSubject = "$JS.API.CONSUMER.RESET.%s.%s"

// deleteSubject is the API's that removes a consumer.
const deleteSubject = "$JS.API.CONSUMER.DELETE.%s.%s"

// DeleteConsumer asks the server to remove a consumer that would end by itself
// later, and does not wait for it: nothing depends on it but the number of
// consumers that the server takes.
func DeleteConsumer(conn *nats.Conn, stream, consumer string) {
	_ = conn.PublishRequest(fmt.Sprintf(deleteSubject, stream, consumer), conn.NewRespInbox(), nil)
}

// ResetConsumer has the server deliver again at once what it has delivered to
// somebody who did not acknowledge it.
func ResetConsumer(ctx context.Context, conn *nats.Conn, stream, consumer string) error {
	reply, err := conn.RequestWithContext(ctx, fmt.Sprintf(resetSubject, stream, consumer), nil)
	if err != nil {
		return fmt.Errorf("reset consumer %s: %w", consumer, err)
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return fmt.Errorf("reset consumer %s: read the answer: %w", consumer, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("reset consumer %s: %w", consumer, answer.Error)
	}
	return nil
}
