package broker

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ReadPending has take see what a consumer is yet to give, in order, until take wants
// no more or nothing is left at the moment. The next message may take as long as
// silence.
func ReadPending(ctx context.Context, c jetstream.Consumer, silence time.Duration, take func(jetstream.Msg, *jetstream.MsgMetadata) (more bool, err error)) error {
	info, err := c.Info(ctx)
	if err != nil || info.NumPending == 0 {
		return err
	}
	messages, err := c.Messages(AtMost(jetstream.DefaultMaxMessages, c))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		waiting, cancel := context.WithTimeout(ctx, silence)
		m, err := messages.Next(jetstream.NextContext(waiting))
		cancel()
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if more, err := take(m, meta); err != nil || !more || meta.NumPending == 0 {
			return err
		}
	}
}
