package penstock

// Event is one record of the source as a worker gets it. Its bytes are the
// client's and stay as they are until the epoch that it was polled in ends.
type Event struct {
	ID      EventID
	Key     []byte // nil: none
	Value   []byte // nil: a tombstone; empty: an empty event
	Headers []Header
	Time    int64 // the record's timestamp, Unix milliseconds
	// Control marks what holds a place in the source and is no event, such as
	// the end of a transaction.
	Control bool
}

// Header is a key and a value beside an event. Keys may repeat.
type Header struct {
	Key   string
	Value []byte
}

// Record is what a worker publishes.
type Record struct {
	Topic   string
	Key     []byte // nil: none
	Value   []byte // nil: none
	Headers []Header
	// Partition is the source's partition. It decides where a record without a
	// key goes.
	Partition int32
	// Event is what the record was made of.
	Event EventID
}
