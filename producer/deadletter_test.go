package producer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
)

// text is a record as one can read it.
func text(r *penstock.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%d key=%q value=%q", r.Topic, r.Partition, r.Key, r.Value)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "\n%s=%s", h.Key, h.Value)
	}
	return b.String()
}

func letters(limit int32) *DeadLetters {
	limits := broker.NewLimits()
	limits.Set("in.dead", limit)
	return &DeadLetters{
		Pipeline: "p", Model: penstock.ModelIdentity{Name: "m", Version: "7"},
		Topic: func(source string) string { return source + ".dead" }, Limits: limits,
	}
}

var (
	noon    = time.Date(2026, 11, 21, 12, 0, 0, 5_000_000, time.FixedZone("", 3600))
	missing = &penstock.Rejection{Class: penstock.ClassMissing, Field: "a", Reason: "is\nnot\rthere", Offset: 3}
)

func TestDeadLetter(t *testing.T) {
	e := penstock.Event{
		ID: penstock.EventID{Source: "in", Partition: 2, Offset: 9}, Key: []byte("k"), Value: []byte("v"),
		Headers: []penstock.Header{{Key: "a", Value: []byte("1")}, {Key: HeaderAttempt, Value: []byte("4")}, {Key: "a", Value: []byte("2")}},
	}
	own := `
penstock-error-class=missing
penstock-error=a: is not there (byte 3)
penstock-source=in/2/9
penstock-pipeline=p
penstock-model=m
penstock-model-version=7
penstock-time=2026-11-21T11:00:00.005Z
penstock-attempt=5`
	r := letters(1000).Record(&e, missing, noon)
	if got, want := text(&r), `in.dead/2 key="k" value="v"`+"\na=1\na=2"+own; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	e.Value = []byte(strings.Repeat("v", 2000))
	r = letters(1000).Record(&e, missing, noon)
	if got, want := text(&r), `in.dead/2 key="k" value=""`+"\na=1\na=2"+own+"\npenstock-truncated=2000"; got != want {
		t.Errorf("a long value: got\n%s\nwant\n%s", got, want)
	}
	if r.Value != nil {
		t.Error("a value that was dropped is not null")
	}
	e.Key = []byte(strings.Repeat("k", 2000))
	r = letters(1000).Record(&e, missing, noon)
	if got, want := text(&r), `in.dead/2 key="" value=""`+own+"\npenstock-truncated=2000"; got != want {
		t.Errorf("a long key: got\n%s\nwant\n%s", got, want)
	}
}

// TestDeadLetterAttempt: what comes from outside may be anything.
func TestDeadLetterAttempt(t *testing.T) {
	for header, want := range map[string]string{
		"1": "2", "41": "42", "": "1", "x": "1", "-3": "1", "99999999999999": "1", "2147483647": "2147483648",
	} {
		e := penstock.Event{Value: []byte("{}"), Headers: []penstock.Header{{Key: HeaderAttempt, Value: []byte(header)}}}
		r := letters(1000).Record(&e, missing, noon)
		if last := r.Headers[len(r.Headers)-1]; last.Key != HeaderAttempt || string(last.Value) != want || len(r.Headers) != 8 {
			t.Errorf("after attempt %q: %s, want %s", header, text(&r), want)
		}
	}
}

// TestDeadLetterOfADeadLetter: an event that is another pipeline's dead letter
// keeps all of its headers, also when it comes back from being one here.
func TestDeadLetterOfADeadLetter(t *testing.T) {
	e := penstock.Event{ID: penstock.EventID{Source: "in"}, Value: []byte(strings.Repeat("v", 2000)), Headers: []penstock.Header{{Key: "a", Value: []byte("1")}}}
	names := func(headers []penstock.Header) (names []string) {
		for _, h := range headers {
			names = append(names, h.Key)
		}
		return names
	}
	first := letters(1000).Record(&e, missing, noon)
	if got, want := names(first.Headers), append([]string{"a"}, DeadLetterHeaders()...); !slices.Equal(got, want) {
		t.Fatalf("headers %q, want %q", got, want)
	}
	e.Value, e.Headers = []byte("{}"), first.Headers
	for attempt := 1; attempt <= 3; attempt++ {
		r := letters(1000).Record(&e, missing, noon)
		came, own := r.Headers[:len(first.Headers)], r.Headers[len(first.Headers):]
		if text(&penstock.Record{Headers: came}) != text(&penstock.Record{Headers: first.Headers}) || len(own) != 8 || string(own[7].Value) != strconv.Itoa(attempt) {
			t.Errorf("attempt %d: %s", attempt, text(&r))
		}
		e.Headers = append(slices.Clip(came), own[7]) // it is sent back
	}
}

// TestDeadLetterThatWasNeverRead: it has nothing to drop, and says so once.
func TestDeadLetterThatWasNeverRead(t *testing.T) {
	for _, limit := range []int32{1000, 10} {
		r := letters(limit).Record(&penstock.Event{}, missing, noon)
		if len(r.Headers) != 9 || r.Headers[8].Key != HeaderTruncated || string(r.Headers[8].Value) != unknownBytes || r.Value != nil {
			t.Errorf("got %s", text(&r))
		}
	}
}

// TestDeadLetterError: a reason that quotes the event is cut, between letters.
func TestDeadLetterError(t *testing.T) {
	e := penstock.Event{}
	r := letters(1<<20).Record(&e, &penstock.Rejection{Reason: strings.Repeat("ä", 5000), Offset: -1}, noon)
	got := string(r.Headers[1].Value)
	if want := strings.Repeat("ä", 512) + "…"; got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	r = letters(1<<20).Record(&e, &penstock.Rejection{Reason: "a" + strings.Repeat("ä", 5000), Offset: -1}, noon)
	if got, want := string(r.Headers[1].Value), "a"+strings.Repeat("ä", 511)+"…"; got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
}
