package pipeline

// arena holds the values that an epoch publishes until the broker has them. Its
// memory is used again by the next epoch.
type arena struct {
	chunks [][]byte
	at     int // the chunk at hand
}

const (
	chunkBytes = 256 << 10
	// roomFor is what a record is expected to need. A longer one gets memory of
	// its own, by append.
	roomFor = 2 << 10
)

// tail is where the next record goes: append to it and hand the result to keep.
func (a *arena) tail() []byte {
	if len(a.chunks) == 0 {
		a.chunks = append(a.chunks, make([]byte, 0, chunkBytes))
	}
	c := a.chunks[a.at]
	if cap(c)-len(c) < roomFor {
		if a.at++; a.at == len(a.chunks) {
			a.chunks = append(a.chunks, make([]byte, 0, chunkBytes))
		}
		c = a.chunks[a.at]
	}
	return c[len(c):]
}

// keep makes a record last until reset.
func (a *arena) keep(record []byte) []byte {
	c := a.chunks[a.at]
	if end := len(c) + len(record); end <= cap(c) && len(record) > 0 && &record[0] == &c[:end][len(c)] {
		a.chunks[a.at] = c[:end]
	}
	return record[:len(record):len(record)]
}

// reset forgets all records.
func (a *arena) reset() {
	for i := range a.chunks[:min(a.at+1, len(a.chunks))] {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.at = 0
}
