// Package natstest runs a real nats-server with JetStream for tests: in a
// process of its own, which can be killed, frozen and restarted, with every way
// to log in and a proxy before it that delays and cuts; or as a cluster within
// the test's process.
//
// The server is the test's own binary, started again. So the TestMain of who
// uses Start begins with Main.
package natstest
