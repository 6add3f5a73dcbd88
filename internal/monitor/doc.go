// Package monitor makes reports and alarms of what the workers counted.
//
// Every process of a pipeline with drift: has one Monitor; the processes agree on
// an owner, whose partition, or lease, the pipeline's deltas are. The owner sums
// them (Core), judges the windows that close, and commits reports, alarms, what
// changed of its state and its position in the deltas as a whole, so that
// whoever takes over goes on from there and says the same. What it must not do
// is keep anything else: after any trouble it begins again from what is
// committed.
//
// A group is of one generation, which is that of the schema and the reference:
// processes with another reference or feature list have one of their own, and
// neither reads the other's deltas.
//
// Refused: to post webhooks from the owner's loop (an endpoint that hangs would
// hold reports back; they go out from the committed alarms, by a position of
// their own), and to keep the state in the workers' (it would be lost or counted
// twice when a partition moves within a window).
package monitor
