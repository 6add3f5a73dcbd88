package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/producer"
)

// natsLetters are dead letters in the pipeline's own stream.
type natsLetters struct {
	server   *natsServer
	p        *config.Pipeline
	subjects broker.Subjects
	stream   jetstream.Stream // the pipeline's own
}

func (s *session) openNATSLetters(ctx context.Context, p *config.Pipeline) (*natsLetters, error) {
	if err := s.existing(p); err != nil {
		return nil, err
	}
	server, err := s.openNATS(p)
	if err != nil {
		return nil, err
	}
	b := &natsLetters{server: server, p: p, subjects: broker.NewSubjects(p)}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = server.guarded(ctx, func(ctx context.Context) (err error) {
		b.stream, err = server.js.Stream(ctx, p.Sink.Stream)
		return err
	})
	if err != nil {
		server.close()
		return nil, fmt.Errorf("look up stream %s: %w", p.Sink.Stream, err)
	}
	return b, nil
}

func (b *natsLetters) close() { b.server.close() }

func (b *natsLetters) eventID(id string) (penstock.EventID, error) { return natsEvent(id) }

func (b *natsLetters) each(ctx context.Context, take func(d *deadLetter, ok bool) error) error {
	return b.scan(ctx, b.subjects.Dead(), func(m jetstream.Msg, sequence uint64) error {
		d := &deadLetter{
			place: penstock.EventID{Source: b.p.Sink.Stream, Subject: m.Subject(), Offset: int64(sequence)},
			value: m.Data(),
		}
		d.headers = letterHeaders(m.Headers(), len(d.value) == 0)
		return take(d, d.readHeaders(natsEvent))
	})
}

// letterHeaders gives a dead letter's headers in the order of a record on Kafka:
// behind those of the event what penstock added. NATS keeps an order only among
// headers of one name; the last one is penstock's. One that says the value was
// dropped, beside a value, is the event's own.
func letterHeaders(headers nats.Header, empty bool) []penstock.Header {
	var own []penstock.Header
	for _, key := range producer.DeadLetterHeaders() {
		last := len(headers[key]) - 1
		if last < 0 || key == producer.HeaderTruncated && !empty {
			continue
		}
		own = append(own, penstock.Header{Key: key, Value: []byte(headers[key][last])})
		headers[key] = headers[key][:last]
	}
	var came []penstock.Header
	for _, key := range slices.Sorted(maps.Keys(headers)) {
		if strings.HasPrefix(key, "Nats-") { // those are of the batch that it came in
			continue
		}
		for _, value := range headers[key] {
			came = append(came, penstock.Header{Key: key, Value: []byte(value)})
		}
	}
	return append(came, own...)
}

// scan reads what is in the own stream now of what filter takes.
func (b *natsLetters) scan(ctx context.Context, filter string, take func(m jetstream.Msg, sequence uint64) error) error {
	var c jetstream.Consumer
	var left uint64
	err := b.server.guarded(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		var err error
		if c, err = b.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}, MaxResetAttempts: resets}); err != nil {
			return err
		}
		info, err := c.Info(ctx)
		if err == nil {
			left = info.NumPending
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", filter, err)
	}
	if left == 0 {
		return nil
	}
	return b.server.guarded(ctx, func(ctx context.Context) error {
		if err := b.read(ctx, c, left, take); err != nil {
			return fmt.Errorf("read %s: %w", filter, err)
		}
		return nil
	})
}

// read takes the next messages of a consumer, as many as are left or fewer if some
// expire meanwhile.
func (b *natsLetters) read(ctx context.Context, c jetstream.Consumer, left uint64, take func(m jetstream.Msg, sequence uint64) error) error {
	messages, err := c.Messages(broker.AtMost(jetstream.DefaultMaxMessages, c), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for ; left > 0; left-- {
		m, err := b.next(ctx, c, messages)
		if err != nil || m == nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if err := take(m, meta.Sequence.Stream); err != nil {
			return err
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
	return nil
}

// resets bounds how often the client tries, some seconds each time, to read on
// from a server that it has lost: it cannot be cut short meanwhile.
const resets = 4

// quiet is how long nothing comes before the server is asked whether there is
// anything. It is longer than the two heartbeats that the client must miss within
// one wait to know that it is no longer read to.
const (
	heartbeat = time.Second
	quiet     = 3 * heartbeat
	lastWait  = heartbeat / 2
)

// next gives the next message, nil when there is none any more: what was counted
// may have expired or been purged before it came.
func (b *natsLetters) next(ctx context.Context, c jetstream.Consumer, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	wait, none := quiet, false
	for began := time.Now(); ; {
		waiting, cancel := context.WithTimeout(ctx, wait)
		m, err := messages.Next(jetstream.NextContext(waiting))
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return m, err
		}
		if none {
			return nil, nil
		}
		if time.Since(began) > answerTime {
			return nil, fmt.Errorf("the server has more, and has sent nothing for %s", answerTime)
		}
		left, err := b.left(ctx, c)
		if err != nil {
			return nil, err
		}
		if none = left == 0; none {
			wait = lastWait // for what was on its way
		}
	}
}

// left is how much the server is yet to send, more than nothing where it has lost
// the consumer, which the client then makes anew.
func (b *natsLetters) left(ctx context.Context, c jetstream.Consumer) (uint64, error) {
	left := uint64(1)
	err := b.server.guarded(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		info, err := c.Info(ctx)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return nil
		}
		if err == nil {
			left = info.NumPending
		}
		return err
	})
	return left, err
}

func (b *natsLetters) blockKey(letter *penstock.EventID) string {
	return b.subjects.SentBack(strconv.FormatInt(letter.Offset/blockOffsets, 10))
}

func (b *natsLetters) readSentBack(ctx context.Context) (*sentBack, error) {
	sent := &sentBack{key: b.blockKey, blocks: map[string]*sentBlock{}}
	err := b.scan(ctx, b.subjects.SentBackBlocks(), func(m jetstream.Msg, sequence uint64) error {
		block := &sentBlock{sequence: sequence}
		if err := json.Unmarshal(m.Data(), block); err != nil {
			return fmt.Errorf("read %s: %w", m.Subject(), err)
		}
		if len(block.Bits) == blockOffsets/8 {
			sent.blocks[m.Subject()] = block
		}
		return nil
	})
	return sent, err
}
