// Package kafkatest runs a real Apache Kafka, one node without containers, for
// tests and benchmarks: with every listener that a client may meet, a proxy
// that delays and cuts, and handles to kill, freeze and restart it.
//
// It needs java, and the jars that tools/kafka/fetch puts into the user's cache;
// without them Start says so. Tests that use it carry the build tag kafka and
// run by `make test-kafka`, so that the others need no JVM.
package kafkatest
