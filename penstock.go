// Package penstock holds the nouns that every other package speaks in: where
// an event stands, which model answered, and why an event was turned away. It
// imports only the standard library.
package penstock

import "strconv"

// EventID names one event for ever: the same event always has the same id,
// however often it is read. It is written SOURCE/PARTITION/OFFSET; for Kafka
// that is topic/partition/offset, for a file basename/0/line. On NATS it is
// STREAM/SUBJECT/SEQUENCE: a partition is what one of the filters takes, and
// filters may change.
type EventID struct {
	Source    string // topic, stream, or a file's base name
	Subject   string // the event's own, on NATS; empty elsewhere
	Partition int32
	Offset    int64 // record offset, stream sequence, or line number from 0
}

// AppendTo appends the id's text to dst.
func (id EventID) AppendTo(dst []byte) []byte {
	dst = append(dst, id.Source...)
	dst = append(dst, '/')
	if id.Subject != "" {
		dst = append(dst, id.Subject...)
	} else {
		dst = strconv.AppendInt(dst, int64(id.Partition), 10)
	}
	dst = append(dst, '/')
	return strconv.AppendInt(dst, id.Offset, 10)
}

func (id EventID) String() string { return string(id.AppendTo(nil)) }

// ModelIdentity says exactly which model answered.
type ModelIdentity struct {
	Name    string
	Version string
	Digest  string // "sha256:" and 64 hex digits of the file as it was read
}
