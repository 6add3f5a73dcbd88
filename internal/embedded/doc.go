// Package embedded runs a broker inside this process: a nats-server with
// JetStream, which keeps events as durably as its disk does, for
// `broker: embedded`; and an imitation of Kafka, all in memory, for
// `penstock demo` and for tests.
package embedded
