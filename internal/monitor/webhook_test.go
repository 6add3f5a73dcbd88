package monitor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// alarmList gives alarms from memory.
type alarmList struct {
	mu   sync.Mutex // protects what follows
	left []string
	age  time.Duration // of all
	done int
}

func (a *alarmList) Next(ctx context.Context) ([]byte, time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done == len(a.left) {
		a.mu.Unlock()
		<-ctx.Done()
		a.mu.Lock()
		return nil, time.Time{}, ctx.Err()
	}
	return []byte(a.left[a.done]), time.Now().Add(-a.age), nil
}

func (a *alarmList) Done(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done++
	return nil
}

func (a *alarmList) Close(context.Context) {}

// endpoint answers posts as it is told and keeps them.
type endpoint struct {
	mu     sync.Mutex // protects what follows
	posts  []string
	bodies []string
	answer func(n int, w http.ResponseWriter)
	header http.Header
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.posts, e.bodies, e.header = append(e.posts, r.Header.Get(headerID)), append(e.bodies, string(body)), r.Header.Clone()
	w := httptest.NewRecorder()
	e.answer(len(e.posts), w)
	return w.Result(), nil
}

func event(id string) string { return fmt.Sprintf(`{"specversion":"1.0","id":%q}`, id) }

// TestWebhookTriesAgain has an endpoint that fails, asks for time, sends
// elsewhere and then takes alarms: each comes until it is taken, in order, and
// the next one not before.
func TestWebhookTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(n int, w http.ResponseWriter) {
			switch n {
			case 1:
				w.WriteHeader(http.StatusInternalServerError)
			case 2:
				w.Header().Set("Retry-After", "30")
				w.WriteHeader(http.StatusTooManyRequests)
			case 3:
				w.Header().Set("Location", "http://elsewhere/")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		}}
		alarms := &alarmList{left: []string{event("a"), event("b")}}
		w := newTestWebhook(t, e, alarms, "")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		start := time.Now()
		go func() { defer close(ended); w.Run(ctx, context.Background()) }()
		time.Sleep(10 * time.Minute)
		stop()
		<-ended
		if !slices.Equal(e.posts, []string{"a", "a", "a", "a", "b"}) || alarms.done != 2 {
			t.Errorf("posts %q, %d done", e.posts, alarms.done)
		}
		if waited := time.Since(start); waited < 30*time.Second {
			t.Errorf("all went out within %s, before the time that was asked for", waited)
		}
		if e.header.Get(headerSignature) != "" {
			t.Error("a post is signed without a secret")
		}
	})
}

// TestWebhookGivesUp leaves an alarm that nobody takes for a day, and posts the
// next one.
func TestWebhookGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e *endpoint
		e = &endpoint{answer: func(_ int, w http.ResponseWriter) {
			if e.posts[len(e.posts)-1] == "a" {
				w.WriteHeader(http.StatusBadGateway)
			}
		}}
		alarms := &alarmList{left: []string{event("a"), "no event", event("b")}}
		w := newTestWebhook(t, e, alarms, "")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); w.Run(ctx, context.Background()) }()
		time.Sleep(25 * time.Hour)
		stop()
		<-ended
		if n := len(e.posts); alarms.done != 3 || e.posts[n-1] != "b" || e.posts[n-2] != "a" {
			t.Errorf("%d done, the last post is %q of %d", alarms.done, e.posts[n-1], n)
		}
		// A day at five minutes is 288; back-off wavers by a half.
		if n := len(e.posts); n < 200 || n > 700 {
			t.Errorf("%d tries within a day", n)
		}
	})
}

// TestWebhookLeavesOldAlarms posts none of the week before it was set up.
func TestWebhookLeavesOldAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(int, http.ResponseWriter) {}}
		alarms := &alarmList{left: []string{event("a")}, age: 25 * time.Hour}
		w := newTestWebhook(t, e, alarms, "")
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		w.Run(ctx, context.Background())
		if alarms.done != 1 || len(e.posts) != 0 {
			t.Errorf("%d done, posts %q", alarms.done, e.posts)
		}
	})
}

// TestWebhookKeepsWhatItCouldNotPost does not call an alarm done that the end
// of the process cut short.
func TestWebhookKeepsWhatItCouldNotPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{answer: func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }}
		alarms := &alarmList{left: []string{event("a")}}
		w := newTestWebhook(t, e, alarms, "")
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		w.Run(ctx, context.Background())
		if alarms.done != 0 || len(e.posts) == 0 {
			t.Errorf("%d done after %d tries", alarms.done, len(e.posts))
		}
	})
}

// refusing is where nobody listens.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody listens")
}

// TestWebhookKeepsItsURL: the log says what is wrong, and not where to post.
func TestWebhookKeepsItsURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newTestWebhook(t, refusing{}, &alarmList{left: []string{event("a")}}, "")
		w.o.URL, w.o.Log = "http://ops.example/T0KEN", slog.New(slog.NewTextHandler(&log, nil))
		ctx, stop := context.WithTimeout(t.Context(), 25*time.Hour)
		defer stop()
		w.Run(ctx, context.Background())
		if text := log.String(); strings.Contains(text, "T0KEN") || !strings.Contains(text, "nobody listens") || !strings.Contains(text, "given up") {
			t.Errorf("%.2000s", text)
		}
	})
}

// TestWebhookSignature computes the signature as a receiver does.
func TestWebhookSignature(t *testing.T) {
	for secret, key := range map[string]string{"plain words": "plain words", "whsec_a2V5": "key"} {
		e := &endpoint{answer: func(int, http.ResponseWriter) {}}
		w := newTestWebhook(t, e, nil, secret)
		if err := w.post(t.Context(), "alarm_1", []byte(event("alarm_1"))); err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, []byte(key))
		io.WriteString(mac, e.header.Get("webhook-id")+"."+e.header.Get("webhook-timestamp")+"."+e.bodies[0])
		if got, want := e.header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("secret %q: signature %s, want %s", secret, got, want)
		}
		if got := e.header.Get("Content-Type"); got != "application/cloudevents+json; charset=utf-8" {
			t.Errorf("content type %s", got)
		}
	}
	if _, err := NewWebhook(WebhookOptions{Secret: "whsec_?"}); err == nil {
		t.Error("a key that is no base64 was taken")
	}
}

// TestSignatureVector is the example of the Standard Webhooks specification's
// reference libraries.
func TestSignatureVector(t *testing.T) {
	key, err := signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	sign(h, key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got, want := h.Get(headerSignature), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// TestWebhookFollowsNoRedirect keeps the signed alarm from going elsewhere, with
// the client that is used by default.
func TestWebhookFollowsNoRedirect(t *testing.T) {
	elsewhere := 0
	var target *httptest.Server
	target = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere++
			return
		}
		http.Redirect(w, r, target.URL+"/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer target.Close()
	w, err := NewWebhook(WebhookOptions{URL: target.URL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.o.Client.CloseIdleConnections()
	if err := w.post(t.Context(), "a", nil); err == nil || elsewhere != 0 {
		t.Errorf("%v, %d posts went elsewhere", err, elsewhere)
	}
}

func newTestWebhook(t *testing.T, e http.RoundTripper, alarms Alarms, secret string) *Webhook {
	t.Helper()
	w, err := NewWebhook(WebhookOptions{
		URL: "http://endpoint/", Secret: secret, Log: slog.New(slog.DiscardHandler),
		Open:   func(context.Context) (Alarms, error) { return alarms, nil },
		Client: &http.Client{Transport: e, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}
