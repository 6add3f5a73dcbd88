// Package drift counts what a model sees and says, in integers and in event time,
// and tells whether it still looks as it did.
//
// It is pure: no clock, no I/O, no goroutine. A Counter counts the rows of one
// pane of one partition; what it counted travels as a Delta; Windows sums deltas
// into panes and panes into windows; a Reference says what is normal, Compare puts
// statistics to the difference, and a Judge decides what is an alarm. All that is
// summed are integers, so that neither order nor repetition of the sums can change
// a bit of the result.
package drift
