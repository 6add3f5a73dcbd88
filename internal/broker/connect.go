package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/penstock/penstock/internal/config"
)

// dialTimeout is how long a broker may take to answer a connection. It is
// well below session_timeout's default, so that a worker which cannot reach
// one broker tries another before it is taken for dead.
const dialTimeout = 5 * time.Second

// maxTokenBytes is far more than a bearer token has; what is larger is some
// other file.
const maxTokenBytes = 1 << 20

// ConnectOptions are the options of every client of the cluster: where it is,
// who we are, and how the connection is secured. The files that TLS names are
// read now, so that a wrong one is told before anything is started; the client
// certificate and the token are read again at each connection, since both are
// replaced while a pipeline runs.
func ConnectOptions(k *config.Kafka) ([]kgo.Opt, error) {
	o := []kgo.Opt{
		kgo.SeedBrokers(k.BootstrapServers...),
		kgo.ClientID(k.ClientID),
		kgo.DialTimeout(dialTimeout),
		kgo.DisableClientMetrics(), // a pipeline's own metrics are its business, not the broker's
	}
	if k.Rack != "" {
		o = append(o, kgo.Rack(k.Rack))
	}
	if k.TLS != nil {
		c, err := tlsConfig("broker.kafka.tls", k.TLS)
		if err != nil {
			return nil, err
		}
		o = append(o, kgo.DialTLSConfig(c))
	}
	if k.SASL != nil {
		m, err := mechanism(k.SASL)
		if err != nil {
			return nil, err
		}
		o = append(o, kgo.SASL(m))
	}
	return o, nil
}

// tlsConfig is a client's, of the part of the config that key names.
func tlsConfig(key string, t *config.TLS) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(string(t.CA))
		if err != nil {
			return nil, fmt.Errorf("read %s.ca: %w", key, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read %s.ca: %s holds no PEM certificate; give the authority's certificate, which begins with -----BEGIN CERTIFICATE-----", key, t.CA)
		}
	}
	if t.Cert != "" {
		if _, err := clientCertificate(key, t); err != nil {
			return nil, err
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return clientCertificate(key, t) }
	}
	return c, nil
}

func clientCertificate(key string, t *config.TLS) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(string(t.Cert), string(t.Key))
	if err == nil {
		return &pair, nil
	}
	if _, unreadable := errors.AsType[*os.PathError](err); !unreadable {
		err = fmt.Errorf("%w; %s and %s must be PEM files of one pair", err, t.Cert, t.Key)
	}
	return nil, &loginError{fmt.Errorf("read %s.cert and key: %w", key, err)}
}

func mechanism(s *config.SASL) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "plain":
		return plain.Auth{User: s.Username, Pass: s.Password.Reveal()}.AsMechanism(), nil
	case "scram-sha-256":
		return scram.Auth{User: s.Username, Pass: s.Password.Reveal()}.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return scram.Auth{User: s.Username, Pass: s.Password.Reveal()}.AsSha512Mechanism(), nil
	case "oauthbearer":
		path := string(s.TokenFile)
		if _, err := readToken(path); err != nil {
			return nil, err
		}
		return bearer{oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := readToken(path)
			return oauth.Auth{Token: token}, err
		})}, nil
	}
	return nil, fmt.Errorf("broker.kafka.sasl.mechanism %q is unknown; give plain, scram-sha-256, scram-sha-512 or oauthbearer", s.Mechanism)
}

// bearer is OAUTHBEARER whose broker says no in a challenge, which the mechanism
// takes for nonsense.
type bearer struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{session}, first, err
}

type bearerSession struct{ sasl.Session }

// Challenge implements sasl.Session.
func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	done, next, err := s.Session.Challenge(answer)
	if err != nil {
		err = &loginError{fmt.Errorf("the broker refused the token of broker.kafka.sasl.token_file (it answered %q): %w", answer, err)}
	}
	return done, next, err
}

// readToken reads a bearer token, without the line's end that editors leave.
func readToken(path string) (string, error) {
	const what = "read broker.kafka.sasl.token_file"
	info, err := os.Stat(path)
	if err != nil {
		return "", &loginError{fmt.Errorf("%s: %w", what, err)}
	}
	if info.Size() > maxTokenBytes {
		return "", &loginError{fmt.Errorf("%s: %s is larger than 1 MiB; is it a token's file?", what, path)}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", &loginError{fmt.Errorf("%s: %w", what, err)}
	}
	token := strings.TrimSpace(string(text))
	switch {
	case token == "":
		return "", &loginError{fmt.Errorf("%s: %s is empty; it must hold the bearer token", what, path)}
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		// It would end the field that carries it, and the broker's answer would
		// say nothing of why.
		return "", &loginError{fmt.Errorf("%s: %s holds more than one word; it must hold the bearer token only", what, path)}
	}
	return token, nil
}

// loginError is what keeps us from showing who we are, before the broker was
// asked.
type loginError struct{ err error }

func (e *loginError) Error() string { return e.err.Error() }
func (e *loginError) Unwrap() error { return e.err }
