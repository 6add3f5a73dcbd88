package web

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// site is one address with all pipelines that name it.
type site struct {
	address string
	metrics bool  // for probes and scrapers only
	first   Mount // whose settings all others have too
	mounts  []Mount
}

// key is the setting that the address comes from.
func (s *site) key() string {
	if s.metrics {
		return "metrics_listen"
	}
	return "listen"
}

// plan finds who shares a listener with whom.
func plan(mounts []Mount) ([]*site, error) {
	type place struct {
		address string
		metrics bool
	}
	var sites []*site
	named := map[place]*site{}
	add := func(address string, metrics bool, m Mount) error {
		s, other := named[place{address, metrics}], named[place{address, !metrics}]
		switch {
		case address == "":
			return nil
		case other != nil && !strings.HasSuffix(address, ":0"): // where the system finds two ports
			return fmt.Errorf("%s is listen in one place and metrics_listen in another (%s and %s); give one of them another port", address, other.first.File, m.File)
		case s == nil:
			s = &site{address: address, metrics: metrics, first: m}
			sites = append(sites, s)
			named[place{address, metrics}] = s
		case !metrics && !sameSecurity(s.first, m):
			return fmt.Errorf("listen %s is shared by %s and %s, so both must have the same http.tls and http.keys_file; or give one of them another listen", address, s.first.File, m.File)
		}
		for _, other := range s.mounts {
			if other.Pipeline.Name() == m.Pipeline.Name() {
				return fmt.Errorf("%s %s is shared by two pipelines named %s (%s and %s); give one of them another name", s.key(), address, m.Pipeline.Name(), other.File, m.File)
			}
		}
		s.mounts = append(s.mounts, m)
		return nil
	}
	for _, m := range mounts {
		if err := errors.Join(add(m.Listen, false, m), add(m.MetricsListen, true, m)); err != nil {
			return nil, err
		}
	}
	return sites, nil
}

func sameSecurity(a, b Mount) bool {
	return a.Cert == b.Cert && a.Key == b.Key && a.KeysFile == b.KeysFile
}

// bind opens the socket. Others are those of this process that are open.
func (s *site) bind(others []*listener) (*net.TCPListener, error) {
	opened, err := net.Listen("tcp", s.address)
	if err != nil {
		return nil, s.explain(err, others)
	}
	socket := opened.(*net.TCPListener) // what tcp gives
	// Only now it is known what a name such as localhost stands for. Nothing has
	// been served yet.
	secured := s.first.Cert != "" && s.first.Key != "" && s.first.KeysFile != ""
	if local := socket.Addr().(*net.TCPAddr).IP.IsLoopback(); !local && !s.metrics && !secured {
		_ = socket.Close() // nobody has used it
		return nil, &ConfigError{fmt.Errorf("listen %s (%s) is reachable from other machines: give http.tls (cert and key) and http.keys_file, or listen at 127.0.0.1:8080", s.address, s.first.File)}
	}
	return socket, nil
}

func (s *site) explain(err error, others []*listener) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s %s: %w", s.key(), s.address, err)
	}
	_, port, _ := net.SplitHostPort(s.address) // it is well-formed: the system has looked at it
	for _, other := range others {
		if _, p, _ := net.SplitHostPort(other.socket.Addr().String()); p == port {
			return &ConfigError{fmt.Errorf("%s %s: the port is in use by this very process, for %s %s (%s); write both the same way to share it, or choose another port",
				s.key(), s.address, other.site.key(), other.site.address, other.site.first.File)}
		}
	}
	return fmt.Errorf(`%s %s: the port is in use by another process; choose another %s, or "" to turn it off`, s.key(), s.address, s.key())
}
