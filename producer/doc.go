// Package producer says what goes out: predictions and dead letters, in the
// order of their events, all of an epoch or none.
package producer
