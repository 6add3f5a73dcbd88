// Package faults kills, freezes and restarts penstock and a real Kafka or
// nats-server while events flow, and holds what comes out against an oracle that
// knows only what users are promised. Its tests run by `make test-kafka` and, on
// NATS, which needs nothing but Go, by `go test -tags nats ./test/faults`, as `make
// test` does; with ten times as many faults by `make faults`.
//
// Every property that the oracle checks has a mutant: a build of penstock that
// makes the mistake on purpose and must be caught. A storm that cuts nothing
// open shows nothing, so only kills that cut an open epoch count. On Kafka the
// broker tells, exactly once: the dead process's transaction is still open. Where
// no broker knows, the workers note it in a file, which outlives them.
package faults
