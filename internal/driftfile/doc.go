// Package driftfile counts files of rows as the stream counts events: for a
// reference, and for the reports of the windows that the rows fall into.
//
// Rows may come in any order, so nothing is late: every window closes at the end
// of the input. What is counted is sums of integers, column by column, so that
// columns are read and counted side by side and the result is the same however
// many cores there are.
package driftfile
