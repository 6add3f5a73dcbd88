package isolation

import (
	"bufio"
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/penstock/penstock"
)

func TestRequestIsReadAsItWasWritten(t *testing.T) {
	want := []penstock.Event{
		{ID: penstock.EventID{Source: "a", Partition: 1 << 30, Offset: 1 << 60}, Value: []byte("{}"), Time: -1},
		{ID: penstock.EventID{Source: "ü\x00", Subject: "a/b.>", Partition: 0, Offset: 0}, Value: []byte{}, Time: 1 << 50},
	}
	var q request
	q.reset(7)
	var ends []int // lengths of frames that end behind an event
	for i := range want {
		ends = append(ends, len(q.bytes))
		if !q.add(&want[i]) {
			t.Fatal("no room")
		}
	}
	frame, err := readSized(bytes.NewReader(q.frame()))
	if err != nil {
		t.Fatal(err)
	}
	wall, got, err := parseRequest(frame)
	if err != nil || wall != 7 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d, %v, %v; want 7, %v", wall, got, err, want)
	}
	for cut := range frame {
		_, got, err := parseRequest(frame[:cut])
		whole := cut == ends[0]-4 || cut == ends[1]-4
		if whole != (err == nil) || err == nil && len(got) > 1 {
			t.Errorf("the first %d bytes give %v, %v", cut, got, err)
		}
	}
}

func TestRequestIsBounded(t *testing.T) {
	var q request
	q.reset(0)
	large := &penstock.Event{Value: make([]byte, requestBytes+1)}
	if !q.add(large) {
		t.Error("an event alone is refused")
	}
	if q.add(&penstock.Event{Value: []byte("{}")}) {
		t.Error("another one joins it")
	}
	q.reset(0)
	if !q.add(&penstock.Event{Value: []byte("{}")}) || q.add(large) {
		t.Error("a large event joins a small one")
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	nonce := strings.Repeat("n", nonceSize-1) + "!"
	for name, test := range map[string]struct{ says, want string }{
		"nothing":          {"", "EOF"},
		"chatter":          {strings.Repeat(nonce[:nonceSize-1], 10), "EOF"},
		"too much chatter": {strings.Repeat("n", maxChatter+nonceSize), "no answer in a megabyte"},
		"empty":            {nonce + "\x00\x00\x00\x00", "an answer of 0 bytes"},
		"too large":        {nonce + "\x01\x00\x00\x04", "an answer of 67108865 bytes"},
		"cut":              {nonce + "\x03\x00\x00\x00ab", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := readAnswer(bufio.NewReader(strings.NewReader(test.says)), []byte(nonce), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	kind, body, _, err := readAnswer(bufio.NewReader(strings.NewReader("nn"+nonce[:9]+nonce+"\x03\x00\x00\x00pab")), []byte(nonce), nil)
	if err != nil || kind != 'p' || string(body) != "ab" {
		t.Errorf("%c %q, %v", kind, body, err)
	}
}

func TestRejectionIsReadAsItWasWritten(t *testing.T) {
	for _, want := range []*penstock.Rejection{
		{Class: penstock.ClassType, Field: "a.b", Reason: "a string", Offset: 12},
		{Class: penstock.ClassModel, Reason: "no such category", Offset: -1},
	} {
		var out bytes.Buffer
		nonce := []byte(strings.Repeat("n", nonceSize))
		a := answers{out: bufio.NewWriter(&out), nonce: nonce}
		if err := a.rejection(want); err != nil {
			t.Fatal(err)
		}
		if err := a.out.Flush(); err != nil {
			t.Fatal(err)
		}
		_, body, _, err := readAnswer(bufio.NewReader(&out), nonce, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseRejection(body); err != nil || *got != *want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		if _, err := parseRejection(body[:len(body)-1]); err == nil {
			t.Error("a rejection that is cut passes")
		}
	}
}
