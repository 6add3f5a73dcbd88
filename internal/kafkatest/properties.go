//go:build unix

package kafkatest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// writeProperties writes server.properties, while b.addrs still has where the
// broker itself listens for Proxied.
func (b *Broker) writeProperties(controller string, opts Options) error {
	properties := map[string]string{
		"node.id":                   "1",
		"process.roles":             "broker,controller",
		"controller.quorum.voters":  "1@" + controller,
		"controller.listener.names": "CONTROLLER",
		"log.dirs":                  b.file("data"),
		// One node has no second replica.
		"offsets.topic.replication.factor":                 "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
		"auto.create.topics.enable":                        "false",
		"group.initial.rebalance.delay.ms":                 "0",
		"log.cleaner.dedupe.buffer.size":                   "8388608", // of 128 MiB, for a heap of 512
		"inter.broker.listener.name":                       string(Plaintext),
		"allow.everyone.if.no.acl.found":                   "false",
		"super.users":                                      "User:ANONYMOUS",
	}
	if opts.Authorize {
		properties["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
	}
	b.addListeners(properties, controller)
	b.addSecurity(properties)
	maps.Copy(properties, opts.Properties)
	return errors.Join(write(b.file("server.properties"), properties), b.writeFencing(controller), write(b.file("log4j2.properties"), logging()))
}

// logging is the broker's log on its standard output: all at INFO is 2,000 lines
// a start. What tells of markers that are not written is worth a few.
func logging() map[string]string {
	return map[string]string{
		"logger.markers.name":  "kafka.coordinator.transaction.TransactionMarkerChannelManager",
		"logger.markers.level": "INFO",
		"logger.network.name":  "org.apache.kafka.clients.NetworkClient",
		"logger.network.level": "ERROR", // it warns each 50 ms while the broker starts

		"appender.out.type":            "Console",
		"appender.out.name":            "out",
		"appender.out.layout.type":     "PatternLayout",
		"appender.out.layout.pattern":  "%d{ISO8601} %p %c{1} %m%n%throwable",
		"rootLogger.level":             "WARN",
		"rootLogger.appenderRef.a.ref": "out",
	}
}

// write writes a properties file.
func write(file string, properties map[string]string) error {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&text, "%s=%s\n", key, properties[key])
	}
	return os.WriteFile(file, []byte(text.String()), 0o600)
}

func (b *Broker) addListeners(properties map[string]string, controller string) {
	all := []string{"CONTROLLER://" + controller}
	protocols := []string{"CONTROLLER:PLAINTEXT"}
	var advertised []string
	for _, l := range listeners {
		all = append(all, fmt.Sprintf("%s://%s", l, b.addrs[l]))
		protocols = append(protocols, fmt.Sprintf("%s:%s", l, l.protocol()))
		to := b.addrs[l]
		if l == Proxied {
			to = b.proxy.Addr()
		}
		advertised = append(advertised, fmt.Sprintf("%s://%s", l, to))
	}
	properties["listeners"] = strings.Join(all, ",")
	properties["advertised.listeners"] = strings.Join(advertised, ",")
	properties["listener.security.protocol.map"] = strings.Join(protocols, ",")
}

// format prepares the data directory, with the user that logs in by SCRAM.
func (b *Broker) format(ctx context.Context) error {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	args := []string{"format", "--config", b.file("server.properties"), "--cluster-id=" + base64.RawURLEncoding.EncodeToString(id)}
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, User, Password))
	}
	if out, err := b.java.command(ctx, b.Dir, "kafka.tools.StorageTool", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format its storage: %w\n%s", err, out)
	}
	return nil
}
