//go:build unix

package kafkatest

// Listener is one way to reach the broker. All are on 127.0.0.1.
type Listener string

const (
	// Plaintext asks nothing; who comes by it has every right.
	Plaintext Listener = "PLAINTEXT"
	// SASLPlaintext logs in without encryption, with User by SCRAM-SHA-256,
	// SCRAM-SHA-512 or PLAIN, or with a Token by OAUTHBEARER.
	SASLPlaintext Listener = "SASL_PLAINTEXT"
	// TLS demands a certificate of the client, CertFile; its CN is the user.
	TLS Listener = "SSL"
	// SASLTLS logs in as SASLPlaintext does, encrypted.
	SASLTLS Listener = "SASL_SSL"
	// Proxied is Plaintext through Proxy. Its address is the proxy's, and the
	// broker advertises that, so that a client never finds a way around it.
	Proxied Listener = "PROXIED"
)

var listeners = []Listener{Plaintext, SASLPlaintext, TLS, SASLTLS, Proxied}

// protocol is what the listener speaks.
func (l Listener) protocol() string {
	if l == Proxied {
		return string(Plaintext)
	}
	return string(l)
}
