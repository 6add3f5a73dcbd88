// Package telemetry counts what the workers do and shows it to Prometheus, and
// says what a health check and a status page hold.
//
// Every worker has counters of its own, so that no two of them ever write to
// the same cache line; a scrape adds them up. What happens once a batch is an
// atomic add: without contention it costs what an atomic store does (8 ns each
// on amd64, where both lock the line). What happens once an event, its latency,
// is added under a lock that is taken once a commit and that only a scrape ever
// contends for; that is 1 ns an event, and a scrape never sees half a commit.
//
// Rejected: client_golang's own counters, shared by the workers. A histogram
// with native buckets takes 50 ns an observation on one core alone, and its
// cache lines travel between the cores.
package telemetry
