package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Alarms are the records of the pipeline's alarms, each given until it is done
// with. One goroutine uses them.
type Alarms interface {
	// Next waits for the next alarm, and says when it was published.
	Next(ctx context.Context) (record []byte, at time.Time, err error)
	// Done says that the last one that Next gave need not come again.
	Done(ctx context.Context) error
	// Close leaves the alarms to other processes, for which it takes until ctx ends.
	Close(ctx context.Context)
}

// WebhookOptions say where alarms are posted to.
type WebhookOptions struct {
	URL    string
	Secret string // signs the posts; empty: they are not signed
	// Open gives the alarms that nobody has posted yet.
	Open func(ctx context.Context) (Alarms, error)
	Log  *slog.Logger

	// Client posts; nil: one that follows no redirects.
	Client *http.Client
	// First and Longest are the pauses before the second try and at most, and
	// GiveUp is how old an alarm may become, 0: a second, five minutes, a day.
	// Older ones are left, also those from before there was a webhook.
	First, Longest, GiveUp time.Duration
}

// Webhook posts alarms, one after the other and each at least once: it may come
// again, with the same id, when an answer was lost or a process ended.
type Webhook struct {
	o   WebhookOptions
	key []byte
}

// postTimeout is how long an endpoint has to answer.
const postTimeout = 10 * time.Second

// NewWebhook reads the secret.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	key, err := signingKey(o.Secret)
	if err != nil {
		return nil, err
	}
	if o.Client == nil {
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	o.First = orDefault(o.First, time.Second)
	o.Longest = orDefault(o.Longest, 5*time.Minute)
	o.GiveUp = orDefault(o.GiveUp, 24*time.Hour)
	return &Webhook{o: o, key: key}, nil
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Run posts until ctx ends, and then leaves, which hard cuts short. It waits for a
// broker that is away.
func (w *Webhook) Run(ctx, hard context.Context) {
	defer w.o.Client.CloseIdleConnections()
	waits := newWaits()
	for ctx.Err() == nil {
		err := w.serve(ctx, hard, waits.Reset)
		if ctx.Err() != nil {
			return
		}
		w.o.Log.Warn("alarms cannot be read for the webhook; trying again with back-off", "error", err)
		pause(ctx, waits.NextBackOff())
	}
}

func (w *Webhook) serve(ctx, hard context.Context, proven func()) error {
	alarms, err := w.o.Open(ctx)
	if err != nil {
		return err
	}
	defer alarms.Close(hard)
	for {
		record, at, err := alarms.Next(ctx)
		if err != nil {
			return err
		}
		if err := w.deliver(ctx, record, at); ctx.Err() != nil {
			return ctx.Err() // it comes again
		} else if err != nil {
			w.o.Log.Error("an alarm was not posted and is given up", "error", err)
		}
		if err := alarms.Done(ctx); err != nil {
			return err
		}
		proven()
	}
}

// deliver posts an alarm until the endpoint has it or it is too late.
func (w *Webhook) deliver(ctx context.Context, record []byte, at time.Time) error {
	left := w.o.GiveUp - time.Since(at)
	if left <= 0 {
		return fmt.Errorf("it is of %s, which is too long ago", at.Format(time.RFC3339))
	}
	var event struct{ ID string }
	if err := json.Unmarshal(record, &event); err != nil || event.ID == "" {
		return fmt.Errorf("not a CloudEvent: %.80q", record)
	}
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = w.o.First, w.o.Longest
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, w.post(ctx, event.ID, record) },
		backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(left),
		backoff.WithNotify(func(err error, wait time.Duration) {
			w.o.Log.Warn("the webhook does not take an alarm", "id", event.ID, "error", err, "again_in", wait.Round(time.Millisecond))
		}))
	return err
}

// post tries once. Any answer but 2xx is worth another try: a person may mend
// the endpoint, or the secret there, while it goes on.
func (w *Webhook) post(ctx context.Context, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.URL, bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	request.Header.Set("User-Agent", "penstock")
	sign(request.Header, w.key, id, time.Now(), body)
	answer, err := w.o.Client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err // what it adds is the URL, which is often all that it takes to post there
	}
	if err != nil {
		return err
	}
	const enough = 64 << 10 // so that the connection is used again
	_, readErr := io.Copy(io.Discard, io.LimitReader(answer.Body, enough))
	readErr = errors.Join(readErr, answer.Body.Close())
	if answer.StatusCode/100 == 2 {
		return nil
	}
	refused := fmt.Errorf("the endpoint answered %s", answer.Status)
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		// The pause that it asks for, but no longer than ours would ever be.
		wait := min(time.Duration(seconds)*time.Second, w.o.Longest)
		refused = errors.Join(refused, &backoff.RetryAfterError{Duration: wait})
	}
	return errors.Join(refused, readErr)
}
