package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
)

// FoundStream is a stream that a pipeline needs, as the server has it.
type FoundStream struct {
	Stream
	// Err is why it is not known whether the stream is there.
	Err error
	// Has are its settings; nil: there is no such stream.
	Has *jetstream.StreamConfig
	// MaxMessage is the largest message that it takes, headers included, in
	// bytes.
	MaxMessage int64
	// Owners are the other streams that take what this one is to take, by
	// subject.
	Owners map[string]string
}

// Exists tells whether the stream is there.
func (f *FoundStream) Exists() bool { return f.Has != nil }

// takes tells whether all of a subject goes to the stream.
func (f *FoundStream) takes(subject string) bool {
	return f.Exists() && slices.ContainsFunc(f.Has.Subjects, func(s string) bool { return config.Covers(s, subject) })
}

// InspectStreams looks for streams on the server. An error is the way to the
// server, or the server's; what is wrong with one stream is that one's Err. A
// refused subject ends it when ctx is one of Guard's, and is the error then.
func InspectStreams(ctx context.Context, js jetstream.JetStream, streams []Stream) ([]FoundStream, error) {
	if err := CheckServer(js.Conn()); err != nil {
		return nil, err
	}
	all := make([]FoundStream, len(streams))
	for i := range streams {
		f := &all[i]
		f.Stream = streams[i]
		if err := f.ask(ctx, js); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (f *FoundStream) ask(ctx context.Context, js jetstream.JetStream) error {
	f.MaxMessage = js.Conn().MaxPayload()
	stream, err := lookUp(ctx, js, f.Name)
	_, answered := errors.AsType[*jetstream.APIError](err)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
	case answered && Diagnose(err).Kind != Denied:
		f.Err = fmt.Errorf("stream %s: %w", f.Name, err)
		return nil
	case err != nil:
		return fmt.Errorf("ask the server for stream %s: %w", f.Name, reason(ctx, err))
	default:
		f.Has = &stream.CachedInfo().Config
		if limit := int64(f.Has.MaxMsgSize); limit > 0 {
			f.MaxMessage = min(limit, f.MaxMessage)
		}
	}
	return f.askOwners(ctx, js)
}

// tryTime is how long an answer of the server is waited for before it is asked
// again. What is asked in a cluster while nobody leads is never answered.
const tryTime = 2 * time.Second

// lookUp asks for a stream until there is an answer, or ctx is over.
func lookUp(ctx context.Context, js jetstream.JetStream, name string) (jetstream.Stream, error) {
	for {
		try, cancel := context.WithTimeout(ctx, tryTime)
		stream, err := js.Stream(try, name)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return stream, err
		}
	}
}

// askOwners asks who takes what the pipeline's own stream is to take, or what a
// source that is not there would be read by; of its filters one is enough to
// find a name that was mistaken.
func (f *FoundStream) askOwners(ctx context.Context, js jetstream.JetStream) error {
	subjects := f.Subjects
	switch {
	case !f.Own && (f.Exists() || subjects[0] == ">"):
		return nil
	case !f.Own:
		subjects = subjects[:1]
	}
	f.Owners = map[string]string{}
	for _, subject := range subjects {
		if f.takes(subject) { // nobody else can
			continue
		}
		owner, err := js.StreamNameBySubject(ctx, subject)
		switch {
		case err == nil && owner != f.Name:
			f.Owners[subject] = owner
		case err != nil && !errors.Is(err, jetstream.ErrStreamNotFound):
			return fmt.Errorf("ask the server for the stream of %s: %w", subject, reason(ctx, err))
		}
	}
	return nil
}

// reason is why a request to NATS failed: where Guard's context was cancelled,
// what the server refused.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	return &natsError{err}
}
