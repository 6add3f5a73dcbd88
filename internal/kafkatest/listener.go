//go:build unix

package kafkatest

import (
	"errors"
	"math/rand/v2"
	"net"
)

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

// The ports lie below those that systems give to outgoing connections (32768 or
// 49152 and up). Otherwise, while the broker is down, a client that dials its
// port could be given that very port to dial from, and would talk to itself
// and keep the broker from coming back.
const (
	firstPort = 20000
	endPort   = 32000
)

// freePorts finds n ports of this machine that nobody listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 100 * n {
		port := firstPort + rand.IntN(endPort-firstPort)
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			continue
		}
		defer l.Close() //revive:disable-line:defer all stay open until there are enough, so that no two are the same
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("find free ports: nearly all are taken")
}
