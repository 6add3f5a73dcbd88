// Package pipeline is the worker's loop and its epochs.
//
// A pipeline runs N equal workers. Each is one goroutine with its own session
// at the broker, which does everything to an event:
//
//	Poll → Decode → Score → Publish … until the epoch ends, then
//	Commit: predictions, dead letters and positions, all or nothing
//
// An epoch ends when nothing waits, after the commit interval, or at a bound of
// bytes. One that fails in any way is aborted as a whole: the worker goes back
// to the last committed positions and does it again. There is nothing to
// restore, since all that a worker learns leaves it as records in the same
// commit.
//
// A goroutine per stage with channels between them was left out: it costs a hop
// an event, loses the order, and spreads shutdown over the stages.
package pipeline
