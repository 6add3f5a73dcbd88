package broker

import (
	"context"
	"encoding/json"
	"errors"
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
	if _, err := ask(ctx, conn, fmt.Sprintf(resetSubject, stream, consumer), nil); err != nil {
		return fmt.Errorf("reset consumer %s: %w", consumer, err)
	}
	return nil
}

// lastSubject is the API's that gives the last message of a stream. The client asks
// for it in a way that shows a message without a body and with a header Status,
// which anybody may publish, as the server's refusal.
const lastSubject = "$JS.API.STREAM.MSG.GET.%s"

// LastSequence is that of the last message of a stream that passes a filter, 0 where
// there is none.
func LastSequence(ctx context.Context, conn *nats.Conn, stream, filter string) (uint64, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": filter})
	if err != nil {
		return 0, err
	}
	answer, err := ask(ctx, conn, fmt.Sprintf(lastSubject, stream), request)
	if e, ok := errors.AsType[*jetstream.APIError](err); ok && e.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up the last event of %s: %w", filter, err)
	}
	return answer.Message.Sequence, nil
}

// apiAnswer is what is read of one of the API's.
type apiAnswer struct {
	Error   *jetstream.APIError `json:"error"`
	Message struct {
		Sequence uint64 `json:"seq"`
	} `json:"message"`
}

// ask asks the API what the client has no words for. The error may be the API's.
func ask(ctx context.Context, conn *nats.Conn, subject string, request []byte) (*apiAnswer, error) {
	reply, err := conn.RequestWithContext(ctx, subject, request)
	if err != nil {
		return nil, err
	}
	a := &apiAnswer{}
	if err := json.Unmarshal(reply.Data, a); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if a.Error != nil {
		return nil, a.Error
	}
	return a, nil
}

// AtMost bounds how many messages the client asks a consumer for at a time, about so
// many, to what the server gives: it refuses a request for more.
func AtMost(messages int, c jetstream.Consumer) jetstream.PullMaxMessages {
	if most := c.CachedInfo().Config.MaxRequestBatch; most > 0 {
		messages = min(messages, most)
	}
	return jetstream.PullMaxMessages(messages)
}
