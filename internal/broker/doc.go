// Package broker is what consumer and producer share of a Kafka cluster: the
// connection with its security, the topics that a pipeline needs, and the one
// place that tells errors apart.
//
//	connect.go   the config to a client's options
//	faults.go    an error to what to do about it, and a sentence for a person
//	topics.go    which topics there should be, whether they are, and making them
package broker
