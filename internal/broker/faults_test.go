package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestEveryCodeIsClassified fails when the client learns a code that nobody
// has thought about.
func TestEveryCodeIsClassified(t *testing.T) {
	known := 0
	for code := math.MinInt16; code <= math.MaxInt16; code++ {
		e := kerr.TypedErrorForCode(int16(code))
		if e == nil || e.Code != int16(code) { // no error, or no such code
			continue
		}
		known++
		if _, ok := kindOf(e); !ok {
			t.Errorf("%s (%d) is not classified: %s", e.Message, e.Code, e.Description)
		}
	}
	if known < 130 {
		t.Errorf("saw %d codes only", known)
	}
}

// TestRetriableCodesDoNotEndTheProcess holds our table against the protocol's
// own word: what Kafka calls retriable must not be fatal.
func TestRetriableCodesDoNotEndTheProcess(t *testing.T) {
	for code := range int16(1000) {
		e := kerr.TypedErrorForCode(code)
		if e == nil || !e.Retriable || e == kerr.ShareSessionLimitReached { // we have no share sessions
			continue
		}
		if kind, _ := kindOf(e); kind != Transient && kind != Rebuild && kind != Missing {
			t.Errorf("%s is retriable, but %s", e.Message, kind)
		}
	}
}

func TestDiagnose(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9092}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, tt := range []struct {
		err  error
		kind Kind
		hint string
	}{
		{kerr.NotLeaderForPartition, Transient, ""},
		{kerr.NotEnoughReplicas, Transient, "min.insync.replicas"},
		{kerr.ConcurrentTransactions, Transient, ""},
		{kerr.ProducerFenced, Rebuild, ""},
		{&kgo.ErrGroupSession{Err: kerr.UnknownMemberID}, Rebuild, ""},
		{kerr.TransactionAbortable, Rebuild, ""},
		{&kgo.ErrGroupSession{Err: kerr.FencedInstanceID}, Twin, "same instance name"},
		{fmt.Errorf("%w: bad password", kerr.SaslAuthenticationFailed), Denied, "refused the login"},
		{kerr.UnsupportedSaslMechanism, Denied, "sasl.mechanism"},
		{kerr.TransactionalIDAuthorizationFailed, Denied, "transactional ids"},
		{kerr.TopicAuthorizationFailed, Denied, "a right on a topic"},
		{&Refusal{"Write", "topic predictions", kerr.TopicAuthorizationFailed}, Denied, "lacks Write on topic predictions: penstock topics"},
		{kerr.UnknownTopicOrPartition, Missing, "--create"},
		{kerr.MessageTooLarge, TooLarge, "max.message.bytes"},
		{kerr.UnsupportedVersion, Fatal, "too old"},
		{kerr.InvalidTransactionTimeout, Fatal, "transaction.max.timeout.ms"},
		{kerr.InvalidSessionTimeout, Fatal, "group.min.session.timeout.ms"},

		{fmt.Errorf("unable to dial: %w", dial), Transient, "no broker answers at 127.0.0.1:9092"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Name: "kafka-0", IsNotFound: true}}, Transient, "address of kafka-0"},
		{fmt.Errorf("unable to dial: %w", context.DeadlineExceeded), Transient, "does not answer"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Transient, "does not answer"},
		{&kgo.ErrFirstReadEOF{}, Transient, "compare broker.kafka.tls"},
		{io.EOF, Transient, "broke off"},
		{fmt.Errorf("read: %w", net.ErrClosed), Transient, "broke off"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, Transient, "compare broker.kafka.tls"},
		{kgo.ErrRecordTimeout, Transient, "in time"},

		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, Denied, "tls.ca"},
		{&tls.CertificateVerificationError{Err: x509.HostnameError{Host: "b.example"}}, Denied, "not for b.example"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, Denied, "expired"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, Denied, "does not speak TLS"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, Denied, "client certificate"},

		{kgo.ErrClientClosed, Rebuild, ""},
		{errors.New("nobody foresaw this"), Rebuild, ""},
	} {
		got := Diagnose(tt.err)
		if got.Kind != tt.kind || !strings.Contains(got.Hint, tt.hint) || tt.hint == "" && got.Hint != "" {
			t.Errorf("%v: got %s and %q, want %s and %q", tt.err, got.Kind, got.Hint, tt.kind, tt.hint)
		}
	}
}

// TestHintAtTheHandshake sends people to TLS and login only where a connection
// ended before the first answer.
func TestHintAtTheHandshake(t *testing.T) {
	for _, err := range []error{
		io.EOF, net.ErrClosed, os.ErrDeadlineExceeded, context.DeadlineExceeded,
		&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)},
	} {
		if hint := Diagnose(err).Hint; hint == "" || strings.Contains(hint, "sasl") {
			t.Errorf("%v: %q", err, hint)
		}
	}
}

func TestToCreate(t *testing.T) {
	err := ToCreate(Finding{Text: "topic in (source) is missing"}, "p.yaml")
	const want = "topic in (source) is missing; create it, or have penstock create what is missing: penstock topics p.yaml --create"
	if err.Error() != want || Diagnose(err).Kind != Missing {
		t.Errorf("%v is %s", err, Diagnose(err).Kind)
	}
}
