package broker

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestPlain: a person reads what is wrong, and then the code to search for.
func TestPlain(t *testing.T) {
	refused := &jetstream.APIError{Code: 400, ErrorCode: 10071, Description: "wrong last sequence: 7"}
	err := Plain(fmt.Errorf("commit batch: %w", refused))
	if got, want := err.Error(), "commit batch: wrong last sequence: 7 (JetStream error 10071)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !Overtaken(err) {
		t.Error("it does not tell any more that somebody else was there")
	}
	if got, want := Plain(errors.New("read: nats: nats: timeout")).Error(), "read: nats: timeout"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if Plain(nil) != nil {
		t.Error("no error has become one")
	}
}

// TestNATSDownIsNotKafkaDown: brokers of Kafka advertise addresses, servers of
// NATS do not.
func TestNATSDownIsNotKafkaDown(t *testing.T) {
	for name, cause := range map[string]error{
		"refused": &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4222}, Err: syscall.ECONNREFUSED},
		"unknown": &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: "nats", Err: "no such host", IsNotFound: true}},
	} {
		d := Diagnose(&natsError{cause})
		if d.Kind != Transient || !strings.Contains(d.Hint, "broker.nats.url") || strings.Contains(d.Hint, "advertise") {
			t.Errorf("%s: %s, %q", name, d.Kind, d.Hint)
		}
	}
}
