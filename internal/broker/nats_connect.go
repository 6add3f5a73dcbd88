package broker

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/penstock/penstock/internal/config"
)

// What a connection to NATS waits for.
const (
	// reconnectWait is the pause after all servers were tried. The jitter keeps
	// the workers of many processes from coming back in one moment.
	reconnectWait, reconnectJitter = 250 * time.Millisecond, 250 * time.Millisecond
	// pingInterval and pingsMissed make a silent server known after 6 s, before
	// session_timeout's default gives the partitions to others.
	pingInterval = 2 * time.Second
	pingsMissed  = 2
)

// writeTime is how long a write may wait for a server that takes nothing. As long
// as one waits no ping is sent.
func writeTime(pings time.Duration) time.Duration { return (pingsMissed + 1) * pings }

// NATSOptions are the options of every connection to the servers: where they
// are, who we are, and how the connection is secured. Files are read now, so
// that a wrong one is told before anything is started; the credentials and the
// client certificate are read again at each connection, since both are replaced
// while a pipeline runs.
//
// Such a connection comes back by itself, however often and for whatever reason
// it is refused, and buffers nothing while it is away: a publish fails, so that
// whoever made it decides what is done again.
func NATSOptions(n *config.NATS) ([]nats.Option, error) {
	o := []nats.Option{
		nats.Name("penstock"),
		nats.Timeout(dialTimeout),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(pingsMissed), nats.FlusherTimeout(writeTime(pingInterval)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // by default it prints to stderr
	}
	if n.URL != "" {
		o = append(o, servers(n.URL))
	}
	if n.TLS != nil {
		c, err := tlsConfig("broker.nats.tls", n.TLS)
		if err != nil {
			return nil, err
		}
		o = append(o, nats.Secure(c))
	}
	login, err := natsLogin(n)
	if err != nil {
		return nil, err
	}
	return append(o, login...), nil
}

// servers are those of broker.nats.url.
func servers(url string) nats.Option {
	return func(o *nats.Options) error {
		o.Servers = nil
		for server := range strings.SplitSeq(url, ",") {
			o.Servers = append(o.Servers, strings.TrimSpace(server))
		}
		return nil
	}
}

// natsLogin says who we are, in the one way that the config has.
func natsLogin(n *config.NATS) ([]nats.Option, error) {
	switch {
	case n.Creds != "":
		if err := checkCreds(string(n.Creds)); err != nil {
			return nil, &loginError{fmt.Errorf("read broker.nats.creds: %w", err)}
		}
		return []nats.Option{nats.UserCredentials(string(n.Creds))}, nil
	case n.NKeySeed != "":
		key, err := nkeys.FromSeed([]byte(strings.TrimSpace(n.NKeySeed.Reveal())))
		if err != nil {
			return nil, &loginError{errors.New("broker.nats.nkey_seed is no NKey seed; a user's begins with SU")}
		}
		public, err := key.PublicKey()
		if err != nil || !nkeys.IsValidPublicUserKey(public) {
			return nil, &loginError{errors.New("broker.nats.nkey_seed is not a user's; that begins with SU")}
		}
		return []nats.Option{nats.Nkey(public, key.Sign)}, nil
	case n.Token != "":
		return []nats.Option{nats.Token(n.Token.Reveal())}, nil
	case n.User != "":
		return []nats.Option{nats.UserInfo(n.User, n.Password.Reveal())}, nil
	}
	return nil, nil
}

// checkCreds tells why a file holds no credentials, without a word of what it
// holds.
func checkCreds(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := nkeys.ParseDecoratedJWT(text); err == nil {
		if _, err = nkeys.ParseDecoratedUserNKey(text); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s holds no user's JWT and seed; it must be a credentials file, as nsc makes them", path)
}

// ConnectNATS connects with the options of NATSOptions and others. The first time
// it does not wait for a server that is away.
func ConnectNATS(options []nats.Option) (*nats.Conn, error) {
	o := nats.GetDefaultOptions()
	for _, option := range options {
		if err := option(&o); err != nil {
			return nil, fmt.Errorf("connect to the NATS server: %w", err)
		}
	}
	o.RetryOnFailedConnect = false
	conn, err := o.Connect()
	if err != nil {
		where := "the NATS server"
		if len(o.Servers) > 0 {
			where = strings.Join(o.Servers, ", ")
		}
		return nil, fmt.Errorf("connect to %s: %w", where, &natsError{err})
	}
	return conn, nil
}

// natsError marks what comes from a connection to NATS, since the network's own
// errors do not say so.
type natsError struct{ err error }

func (e *natsError) Error() string { return words(e.err.Error()) }
func (e *natsError) Unwrap() error { return e.err }
