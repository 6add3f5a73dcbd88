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
		v.address("broker.embedded.listen", b.Embedded.Listen)
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
			v.errorf("broker.kafka.bootstrap_servers."+strconv.Itoa(i), "a bootstrap server must be HOST:PORT, such as localhost:9092, not %q", server)
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

// streams checks source, sink and dead letters against the kind of broker.
func (v *validator) streams() {
	p := &v.file.Pipeline
	switch {
	case p.Broker.Kafka != nil:
		v.kafkaStreams()
	case p.Broker.NATS != nil || p.Broker.Embedded != nil:
		v.natsStreams()
	}
}

// given reports each of the keys that has a value but does not belong to the
// kind of broker.
func (v *validator) given(part, reason string, keys ...string) {
	for _, key := range keys {
		e := v.file.root.entry(part)
		if e == nil {
			return
		}
		if inner := e.value.entry(key); inner != nil && !inner.value.null() {
			v.errorf(part+"."+key, "%s", key+" "+reason)
		}
	}
}

func (v *validator) kafkaStreams() {
	p := &v.file.Pipeline
	v.given("source", "is for NATS; with kafka give topic or topics", "stream", "filter_subjects")
	v.given("sink", "is for NATS; with kafka give topic", "stream", "subject")
	topics := p.Source.AllTopics()
	switch {
	case p.Source.Topic != "" && len(p.Source.Topics) > 0:
		v.errorf("source.topics", "give topic or topics, not both")
	case len(topics) == 0 && v.file.has("source"):
		v.incomplete("source", "source needs topic: with kafka, or topics: [a, b]")
	}
	if p.Source.Topic != "" {
		v.topic("source.topic", p.Source.Topic)
	}
	for i, topic := range p.Source.Topics {
		v.topic("source.topics."+strconv.Itoa(i), topic)
		if slices.Contains(p.Source.Topics[:i], topic) {
			v.errorf("source.topics."+strconv.Itoa(i), "topics names %s twice", topic)
		}
	}
	switch {
	case p.Sink.Topic != "":
		v.topic("sink.topic", p.Sink.Topic)
		v.notASource("sink.topic", p.Sink.Topic, "predictions")
	case v.file.has("sink"):
		v.incomplete("sink", "sink needs topic: with kafka")
	}
	if p.DeadLetter.Topic != "" {
		v.topic("dead_letter.topic", p.DeadLetter.Topic)
		v.notASource("dead_letter.topic", p.DeadLetter.Topic, "dead letters")
		if p.DeadLetter.Topic == p.Sink.Topic {
			v.errorf("dead_letter.topic", "dead letters and predictions must not share the topic %s", p.Sink.Topic)
		}
	}
}

// notASource refuses a loop: what is published would come in as events.
func (v *validator) notASource(path, topic, what string) {
	if slices.Contains(v.file.Pipeline.Source.AllTopics(), topic) {
		v.errorf(path, "%s is a source topic too, so %s would come back as events", topic, what)
	}
}

func (v *validator) natsStreams() {
	p := &v.file.Pipeline
	v.given("source", "is for kafka; with NATS give stream and filter_subjects", "topic", "topics")
	v.given("sink", "is for kafka; with NATS give stream and subject", "topic")
	v.given("dead_letter", "is for kafka; with NATS dead letters go to the pipeline's own stream", "topic")
	if p.Source.Stream == "" && v.file.has("source") {
		v.incomplete("source", "source needs stream: with NATS")
	}
	if p.Sink.Stream == "" && v.file.has("sink") {
		v.incomplete("sink", "sink needs stream: with NATS, the pipeline's own")
	}
	if p.Sink.Stream != "" && p.Sink.Stream == p.Source.Stream {
		v.errorf("sink.stream", "the sink needs a stream of its own, not the source's")
	}
	for _, s := range []struct{ path, name string }{{"source.stream", p.Source.Stream}, {"sink.stream", p.Sink.Stream}} {
		if strings.ContainsAny(s.name, " .*>/\\\t") {
			v.errorf(s.path, "%q is no stream name: no spaces, dots, slashes, * and >", s.name)
		}
	}
}
