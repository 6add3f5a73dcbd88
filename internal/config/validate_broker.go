package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

func (v *validator) broker(b *Broker) {
	var given []string
	if b.Kafka != nil {
		given = append(given, "kafka")
		v.kafka(b.Kafka)
	}
	if b.NATS != nil {
		given = append(given, "nats")
		v.nats(b.NATS)
	}
	if b.Embedded != nil {
		given = append(given, "embedded")
		v.embedded(b.Embedded)
	}
	switch {
	case len(given) == 0 && v.file.has("broker"):
		v.incomplete("broker", "broker needs one of kafka, nats and embedded")
	case len(given) > 1:
		v.errorf("broker", "broker must be one of kafka, nats and embedded, not %s", andList(given))
	}
}

func (v *validator) kafka(k *Kafka) {
	if len(k.BootstrapServers) == 0 {
		v.errorf("broker.kafka.bootstrap_servers", "bootstrap_servers is empty; name at least one broker, such as localhost:9092")
	}
	for i, server := range k.BootstrapServers {
		host, port, err := net.SplitHostPort(server)
		if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || host == "" {
			v.errorf("broker.kafka.bootstrap_servers."+strconv.Itoa(i), "a bootstrap server must be HOST:PORT, such as localhost:9092, not %s", quoted(server))
		}
	}
	v.tls("broker.kafka.tls", k.TLS)
	if k.SASL != nil {
		v.sasl(k.SASL)
	}
}

func (v *validator) sasl(s *SASL) {
	const at = "broker.kafka.sasl"
	if s.Mechanism == "oauthbearer" {
		if s.TokenFile == "" {
			v.incomplete(at, "oauthbearer needs token_file")
		}
		if s.Username != "" || s.Password != "" {
			v.errorf(at, "oauthbearer takes token_file only, no username and password")
		}
		return
	}
	if s.Username == "" || s.Password == "" {
		v.incomplete(at, "%s needs username and password", s.Mechanism)
	}
	if s.TokenFile != "" {
		v.errorf(at+".token_file", "token_file is for oauthbearer; %s takes username and password", s.Mechanism)
	}
}

func (v *validator) tls(path string, t *TLS) {
	if t != nil && (t.Cert == "") != (t.Key == "") {
		v.errorf(path, "a client certificate needs cert and key, or neither")
	}
}

func (v *validator) embedded(e *Embedded) {
	if e.Dir == "" {
		v.errorf("broker.embedded.dir", "dir must name a folder")
	}
	const at = "broker.embedded.listen"
	if v.address(at, e.Listen) && !loopback(e.Listen) && e.UsersFile == "" {
		v.errorf(at, "listen at %s is reachable from other machines: give users_file, or listen at 127.0.0.1:4222", e.Listen)
	}
}

func (v *validator) nats(n *NATS) {
	for server := range strings.SplitSeq(n.URL, ",") {
		scheme, host, ok := strings.Cut(strings.TrimSpace(server), "://")
		switch {
		case !ok || host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, scheme):
			v.errorf("broker.nats.url", "url must be such as nats://localhost:4222, or several of them with commas between")
		case strings.Contains(host, "@"):
			// It would show up in logs, and in the effective configuration.
			v.errorf("broker.nats.url", "url must not hold a password; give it as user and password, or token")
		}
	}
	var ways []string
	for _, way := range []struct {
		key   string
		given bool
	}{
		{"creds", n.Creds != ""},
		{"nkey_seed", n.NKeySeed != ""},
		{"user", n.User != "" || n.Password != ""},
		{"token", n.Token != ""},
	} {
		if way.given {
			ways = append(ways, way.key)
		}
	}
	if len(ways) > 1 {
		v.errorf("broker.nats", "one way to log in is enough, not %s", andList(ways))
	}
	if (n.User == "") != (n.Password == "") {
		v.errorf("broker.nats", "user and password go together")
	}
	v.tls("broker.nats.tls", n.TLS)
}
