// Package broker is what consumer and producer share of a Kafka cluster or a
// NATS server: the connection with its security, the topics or streams that a
// pipeline needs, and the one place that tells errors apart.
//
//	connect.go, nats_connect.go     the config to a client's options
//	liveness.go, nats_liveness.go   whether the broker answers
//	faults.go                       an error to what to do about it, and a sentence for a person
//	topics.go, nats_streams.go      which topics or streams there should be, whether they are, and making them
package broker
