// Package faults kills, freezes and restarts penstock and a real Kafka while
// events flow, and holds what comes out against an oracle that knows only what
// users are promised. Run its tests by `make test-kafka`, with ten times as many
// faults by `make faults`.
//
// Every property that the oracle checks has a mutant: a build of penstock that
// makes the mistake on purpose and must be caught. A storm that cuts nothing
// open shows nothing, so only kills that cut an open epoch count.
package faults
