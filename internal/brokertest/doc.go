// Package brokertest has what stands around a real broker in tests, whichever
// it is: a process that never outlives the test, a proxy that delays and cuts,
// ports and certificates. internal/kafkatest and internal/natstest put a broker
// into it.
package brokertest
