//go:build unix

package brokertest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports lie below those that systems give to outgoing connections (32768 or
// 49152 and up). Otherwise, while the broker is down, a client that dials its
// port could be given that very port to dial from, and would talk to itself
// and keep the broker from coming back.
const (
	firstPort = 20000
	endPort   = 32000
)

// FreePorts finds n ports of this machine that nobody listens on.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range 100 * n {
		port := firstPort + rand.IntN(endPort-firstPort)
		l, err := net.Listen("tcp", Address(port))
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

// Address is the HOST:PORT of a port of this machine.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
