// Package consumer says what comes in and where a pipeline stands: which
// partitions a worker has, where each begins, and the events between two
// commits.
//
// What outlives a position is kept in the pipeline's state topic (State): that a
// partition has had one, so that a lost position is told from a new partition,
// and that a partition's first run was begun, so that an event which kills the
// process is found.
package consumer
