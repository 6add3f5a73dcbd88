package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Kind is what to do about an error of the broker or of the way to it.
type Kind uint8

// The kinds.
const (
	// Rebuild: the session is spent, or nobody knows in what state it is.
	// Close it and open a new one, with back-off; what it held is done again.
	Rebuild Kind = iota
	// Transient: it passes by itself. Wait with back-off and do it again.
	Transient
	// Twin: another process runs under the same instance name. Session.Replaced
	// says which of the two ends, so that they do not throw each other out in
	// turn.
	Twin
	// Denied: who we are, or what we may do, is not accepted. It heals when a
	// person changes that, at the broker or in the config.
	Denied
	// Missing: a topic or partition is not there. It heals when it is created.
	Missing
	// TooLarge: one record, or what travels with it, is larger than the broker
	// takes. The same bytes are refused again.
	TooLarge
	// Fatal: the broker cannot do what is asked of it, ever. End.
	Fatal
)

func (k Kind) String() string {
	switch k {
	case Rebuild:
		return "rebuild"
	case Transient:
		return "transient"
	case Twin:
		return "twin"
	case Denied:
		return "denied"
	case Missing:
		return "missing"
	case TooLarge:
		return "too large"
	case Fatal:
		return "fatal"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Diagnosis is what an error means.
type Diagnosis struct {
	Kind Kind
	// Hint is a sentence for a person that says what is wrong and what to look
	// at; empty where the error's own text is all there is to say.
	Hint string
}

// Refusal is an error about one thing, where whoever made the request knows
// which: the broker's own words for a missing right do not name it.
type Refusal struct {
	Right    string // Read, Write, Describe, …, as ACLs name it
	Resource string // such as "topic predictions"
	Err      error
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s %s: %v", r.Right, r.Resource, r.Err)
}

func (r *Refusal) Unwrap() error { return r.Err }

// Diagnose tells what err means. It is the one place that tells errors apart.
// An error that nobody foresaw gives Rebuild: a new session heals most of
// what goes wrong with an old one, and where it does not, back-off and the
// error's text say so. context.Canceled is the caller's own doing, and for the
// caller to look for first.
func Diagnose(err error) Diagnosis {
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		kind, _ := kindOf(e)
		return Diagnosis{kind, answerHint(e, err)}
	}
	if errors.Is(err, ErrMissing) {
		return Diagnosis{Kind: Missing}
	}
	if d, ok := diagnoseNATS(err); ok {
		return d
	}
	if d, ok := diagnoseTLS(err); ok {
		return d
	}
	if _, ok := errors.AsType[*loginError](err); ok {
		return Diagnosis{Kind: Denied} // says it all itself
	}
	if d, ok := diagnoseNetwork(err); ok {
		return d
	}
	switch {
	case errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, kgo.ErrRecordRetries), errors.Is(err, kgo.ErrMaxBuffered):
		return Diagnosis{Transient, "the broker did not take the records in time: see its load and its logs"}
	}
	return Diagnosis{Kind: Rebuild}
}

// diagnoseTLS knows what goes wrong between a connection and its first bytes.
// None of it heals without a person.
func diagnoseTLS(err error) (Diagnosis, bool) {
	key := brokerKey(err) + ".tls"
	denied := func(format string, args ...any) (Diagnosis, bool) {
		return Diagnosis{Denied, fmt.Sprintf(format, args...)}, true
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return denied("the broker's certificate is not for %s: give the name that it carries as %s.server_name", e.Host, key)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return denied("the broker's certificate is signed by an authority that is not trusted here: give the authority's as %s.ca", key)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return denied("the broker's certificate has expired or is not valid yet: renew it, or set this machine's clock")
		}
		return denied("the broker's certificate is not valid: see the text of the error")
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return denied("the broker's certificate cannot be verified: see %s.ca and server_name", key)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return denied("the broker does not speak TLS at this port: take %s away, or give the port of its TLS listener", key)
	}
	// The second is what crypto/tls reports when the other side sends an alert,
	// the third what a server does that hangs up instead.
	_, alert := errors.AsType[tls.AlertError](err)
	e, operation := errors.AsType[*net.OpError](err)
	if alert || operation && e.Op == "remote error" || errors.Is(err, nats.ErrTLS) {
		return denied("the broker ended the TLS handshake: it may want a client certificate (%s.cert and key), or know no TLS newer than 1.1", key)
	}
	return Diagnosis{}, false
}

// brokeOff names TLS and login too, since a broker that gets what it does not
// expect hangs up without a word, as one that stops does.
func brokeOff(key string) (Diagnosis, bool) {
	return Diagnosis{Transient, fmt.Sprintf(brokenConnection+": if it is not just restarting, compare %s.tls and %s with what its listener wants", key, loginKeys[key])}, true
}

const brokenConnection = "the connection to the broker broke off"

// brokeLater is for a connection that worked, of which TLS and login are no
// part any more. Whether a NATS connection did, its errors do not say.
func brokeLater(key string) (Diagnosis, bool) {
	if key == "broker.nats" {
		return brokeOff(key)
	}
	return Diagnosis{Transient, brokenConnection}, true
}

// unanswered is for a request or a connection that nothing came back on.
func unanswered(key string) (Diagnosis, bool) {
	if key == "broker.nats" {
		return Diagnosis{Transient, natsTimeout}, true
	}
	return Diagnosis{Transient, "the broker does not answer in time: is it up and reachable from here?"}, true
}

// What of the config finds a broker and logs in to it.
var (
	addressKeys = map[string]string{"broker.kafka": "broker.kafka.bootstrap_servers", "broker.nats": "broker.nats.url"}
	loginKeys   = map[string]string{"broker.kafka": "broker.kafka.sasl", "broker.nats": "the login in broker.nats"}
)

// diagnoseNetwork knows how a connection fails. A name that is not found may
// be there a moment later, as those of pods are.
func diagnoseNetwork(err error) (Diagnosis, bool) {
	key := brokerKey(err)
	// A broker that closes without having read all resets the connection.
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok || errors.Is(err, syscall.ECONNRESET) {
		return brokeOff(key)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return Diagnosis{Transient, fmt.Sprintf("the address of %s is not found: check %s and the names that the brokers advertise", e.Name, addressKeys[key])}, true
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" && e.Addr != nil {
		return Diagnosis{Transient, fmt.Sprintf("no broker answers at %s: is it up, and is that the address in %s, or one that the brokers advertise?", e.Addr, addressKeys[key])}, true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unanswered(key)
	}
	e, ok := errors.AsType[net.Error](err)
	_, syscalls := errors.AsType[*os.SyscallError](err)
	switch timeout := ok && e.Timeout(); {
	case timeout && key != "broker.nats":
		return unanswered(key)
	case timeout, syscalls, isAny(err, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed), kgo.IsRetryableBrokerErr(err):
		return brokeLater(key)
	}
	return Diagnosis{}, false
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
