package broker

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// diagnoseNATS knows the errors of NATS, of its client, and of JetStream. false
// leaves an error to those who know the network.
func diagnoseNATS(err error) (Diagnosis, bool) {
	if e, ok := errors.AsType[*ServerTooOldError](err); ok {
		return Diagnosis{Fatal, fmt.Sprintf("penstock needs nats-server %s or later", e.Needs)}, true
	}
	if e, ok := errors.AsType[*jetstream.APIError](err); ok {
		return diagnoseAnswer(e), true
	}
	if d, ok := diagnoseUser(err); ok {
		return d, true
	}
	if d, ok := diagnoseAddress(err); ok {
		return d, true
	}
	switch {
	case errors.Is(err, errNoRoom):
		return Diagnosis{Kind: Transient}, true
	case errors.Is(err, nats.ErrMaxPayload):
		return Diagnosis{TooLarge, "a message is larger than the server's max_payload: raise that, or send less in one"}, true
	case errors.Is(err, nats.ErrNoServers):
		return Diagnosis{Transient, "no server answers: is it up, and is its address in broker.nats.url?"}, true
	case isAny(err, nats.ErrMaxConnectionsExceeded, nats.ErrMaxAccountConnectionsExceeded):
		return Diagnosis{Transient, "the server, or the account, has as many connections as it takes: raise its max_connections, or run fewer workers"}, true
	case isAny(err, nats.ErrNoResponders, jetstream.ErrNoStreamResponse):
		return Diagnosis{Transient, "nobody answers for this: is JetStream enabled for the user's account, is there a stream that takes the subject, and are the servers up that have it?"}, true
	case isAny(err, nats.ErrTimeout, jetstream.ErrAsyncPublishTimeout):
		return Diagnosis{Transient, natsTimeout}, true
	case isAny(err, nats.ErrConnectionClosed, jetstream.ErrConnectionClosed, nats.ErrConnectionDraining, jetstream.ErrJetStreamPublisherClosed):
		return Diagnosis{Kind: Rebuild}, true // it was closed here
	case isAny(err, nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting, nats.ErrDisconnected, nats.ErrStaleConnection,
		jetstream.ErrServerShutdown, jetstream.ErrNoHeartbeat, jetstream.ErrConsumerLeadershipChanged):
		return Diagnosis{Transient, "the connection to the NATS server broke off; it comes back when the server does"}, true
	}
	return Diagnosis{}, false
}

// diagnoseAddress knows why no server of broker.nats.url is reached.
func diagnoseAddress(err error) (Diagnosis, bool) {
	if _, ok := errors.AsType[*natsError](err); !ok {
		return Diagnosis{}, false
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return Diagnosis{Transient, fmt.Sprintf("the address of %s is not found: check broker.nats.url", e.Name)}, true
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" && e.Addr != nil {
		return Diagnosis{Transient, fmt.Sprintf("no broker answers at %s: is it up, and is that its address in broker.nats.url?", e.Addr)}, true
	}
	return Diagnosis{}, false
}

// natsTimeout names permissions too, since a request that is refused is never
// answered.
const natsTimeout = "the NATS server did not answer in time: is it up, has the stream a leader, and may the user publish and subscribe to what penstock topics CONFIG prints?"

// refusedSubject finds what the server names when it refuses a subject.
var refusedSubject = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]*)"`)

// diagnoseUser knows what goes wrong because of who we are.
func diagnoseUser(err error) (Diagnosis, bool) {
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return Diagnosis{Denied, "the server refused the login: check creds, nkey_seed, user and password, or token in broker.nats, and whether it has expired"}, true
	case errors.Is(err, nats.ErrPermissionViolation):
		const see = ": penstock topics CONFIG prints the permissions that the pipeline needs"
		verb := map[string]string{"publish": "publish", "subscription": "subscribe"}
		if m := refusedSubject.FindStringSubmatch(err.Error()); m != nil {
			return Diagnosis{Denied, fmt.Sprintf("the user may not %s to %s"+see, verb[strings.ToLower(m[1])], m[2])}, true
		}
		return Diagnosis{Denied, "the user lacks a permission" + see}, true
	// In a handshake they come in the server's words, not in the client's.
	case isAny(err, nats.ErrAuthExpired, nats.ErrAccountAuthExpired), says(err, "authentication expired"):
		return Diagnosis{Denied, "the user's or the account's credentials have expired: give new ones in broker.nats"}, true
	case errors.Is(err, nats.ErrAuthRevoked), says(err, "authentication revoked"):
		return Diagnosis{Denied, "the user's credentials were revoked: give others in broker.nats"}, true
	case errors.Is(err, nats.ErrNkeysNotSupported):
		return Diagnosis{Denied, "the server knows no NKeys: give the login that it wants in broker.nats"}, true
	case errors.Is(err, nats.ErrMaxSubscriptionsExceeded):
		return Diagnosis{Denied, "the user has as many subscriptions as it may: raise its limit, or run fewer workers"}, true
	case errors.Is(err, nats.ErrSecureConnWanted):
		return Diagnosis{Denied, "the server has no TLS: take broker.nats.tls away, and tls:// from broker.nats.url, or give the address of one that has"}, true
	}
	return Diagnosis{}, false
}

func says(err error, words string) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), words)
}

// brokerKey is the part of the config that the connection comes from which err
// is about.
func brokerKey(err error) string {
	if _, ok := errors.AsType[*natsError](err); ok || errors.Is(err, nats.ErrTLS) {
		return "broker.nats"
	}
	return "broker.kafka"
}

// ServerTooOldError is a server that lacks what the pipeline needs.
type ServerTooOldError struct{ Has, Needs string }

func (e *ServerTooOldError) Error() string { return "nats-server " + e.Has + " is too old" }

// natsNeeds is the first release whose atomic batches can be relied on.
const natsNeeds = "2.14"

// CheckServer tells why the server of a connection cannot take a pipeline's
// batches.
func CheckServer(conn *nats.Conn) error { return checkVersion(conn.ConnectedServerVersion()) }

// checkVersion lets pass what is no release's: whoever builds a server knows.
func checkVersion(has string) error {
	var major, minor int
	if _, err := fmt.Sscanf(has, "%d.%d.", &major, &minor); err == nil && (major < 2 || major == 2 && minor < 14) {
		return &ServerTooOldError{has, natsNeeds}
	}
	return nil
}
