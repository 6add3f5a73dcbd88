package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// What one client may hold, and for how long. Handlers answer from memory, so
// that whoever needs longer is broken or hostile.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = time.Minute
	maxHeaderBytes = 16 << 10
	// maxConnections bounds the descriptors that a listener takes: those of the
	// broker's connections come out of the same limit. More wait to be accepted.
	maxConnections = 256
)

// listener is a site that is open.
type listener struct {
	site   *site
	socket net.Listener
	server *http.Server
}

// open binds the site's address and makes ready what serves it.
func (s *site) open(o Options, others []*listener) (*listener, error) {
	h := handler{site: s, options: o}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		ErrorLog:          log.New(serverLog{o.Log}, "", 0),
	}
	if !s.metrics {
		var err error
		if h.keys, server.TLSConfig, err = s.first.secure(o.Log); err != nil {
			return nil, &ConfigError{fmt.Errorf("%s: %w", s.first.File, err)}
		}
		protocols.SetHTTP2(server.TLSConfig != nil)
	}
	server.Handler = h.routes()
	socket, err := s.bind(others)
	if err != nil {
		return nil, err
	}
	return &listener{site: s, socket: limit(socket, maxConnections), server: server}, nil
}

// secure reads the files that secure Listen.
func (m *Mount) secure(log *slog.Logger) (*keys, *tls.Config, error) {
	known, err := openKeys(m.KeysFile, log)
	if err != nil {
		return nil, nil, fmt.Errorf("http.keys_file: %w", err)
	}
	config, err := tlsConfig(m.Cert, m.Key, log)
	if err != nil {
		return nil, nil, fmt.Errorf("http.tls: %w", err)
	}
	return known, config, nil
}

// CheckFiles tells why Listen would not open with the mount's files.
func (m *Mount) CheckFiles() error {
	if m.Listen == "" {
		return nil // they are for it
	}
	_, _, err := m.secure(slog.New(slog.DiscardHandler))
	return err
}

// serverLog takes what net/http has to say. What clients do wrong is no news, and
// a panic is.
type serverLog struct{ log *slog.Logger }

// Write implements io.Writer.
func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(line, []byte("panic serving")) {
		level = slog.LevelError
	}
	l.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}

// tlsConfig is nil without a certificate.
func tlsConfig(cert, key string, log *slog.Logger) (*tls.Config, error) {
	switch {
	case cert == "" && key == "":
		return nil, nil
	case cert == "" || key == "":
		return nil, errors.New("it needs cert and key, or neither")
	}
	certificate, err := openReloaded(log, func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		return &pair, err
	}, cert, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.get(), nil },
	}, nil
}

// serve runs until shutdown.
func (l *listener) serve() error {
	var err error
	if l.server.TLSConfig != nil {
		err = l.server.ServeTLS(l.socket, "", "")
	} else {
		err = l.server.Serve(l.socket)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("%s %s: %w", l.site.key(), l.site.address, err)
}

// shutdown lets requests end until ctx is done.
func (l *listener) shutdown(ctx context.Context) {
	if err := l.server.Shutdown(ctx); err != nil {
		l.close()
	}
}

// close cuts every connection. Nobody is left who could mend its error.
func (l *listener) close() {
	_ = l.server.Close()
	_ = l.socket.Close()
}

func closeAll(listeners []*listener) {
	for _, l := range listeners {
		l.close()
	}
}

// url is what a person on this machine can follow.
func (l *listener) url() string {
	scheme := "http"
	if l.server.TLSConfig != nil {
		scheme = "https"
	}
	address := l.socket.Addr().(*net.TCPAddr)
	host := address.IP.String()
	if given, _, _ := net.SplitHostPort(l.site.address); address.IP.IsUnspecified() || given == "localhost" {
		host = "localhost"
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, fmt.Sprint(address.Port)))
}
