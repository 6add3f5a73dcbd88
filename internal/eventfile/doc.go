// Package eventfile reads events from files and streams of JSON lines, CSV and
// Parquet.
//
// Events come in chunks: some hundred kilobytes of input with an index of the
// events in it. Whatever is done an event (a channel hop, an allocation, a
// copy) is what limits a batch run, so nothing is. A chunk owns all the memory
// that its events lie in and is filled again and again.
//
// What cannot be made an event of (a row with too many cells, a line beyond
// the size limit) is an event all the same: it has a place and a rejection, and
// reading goes on behind it.
package eventfile
