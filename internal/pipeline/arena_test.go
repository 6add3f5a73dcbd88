package pipeline

import "testing"

// TestArena keeps records of many lengths, some longer than what is reserved:
// all are as they were until reset, and the memory is used again after it.
func TestArena(t *testing.T) {
	var a arena
	for round := range 3 {
		var kept [][]byte
		for i := range 2000 {
			record := a.tail()
			if len(record) != 0 || cap(record) < roomFor {
				t.Fatalf("tail of %d bytes, room for %d", len(record), cap(record))
			}
			n := i * 7 % 3000
			if i%100 == 99 {
				n = chunkBytes + i
			}
			for range n {
				record = append(record, byte(i))
			}
			kept = append(kept, a.keep(record))
			_ = append(a.tail(), "an attempt that is not kept"...)
		}
		for i, record := range kept {
			if cap(record) != len(record) {
				t.Fatalf("record %d can be appended to", i)
			}
			for _, b := range record {
				if b != byte(i) {
					t.Fatalf("round %d: record %d was overwritten", round, i)
				}
			}
		}
		chunks := len(a.chunks)
		a.reset()
		if round > 0 && chunks > 16 {
			t.Errorf("round %d: %d chunks", round, chunks)
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		for range 2000 {
			a.keep(append(a.tail(), "a record"...))
		}
		a.reset()
	}); n != 0 {
		t.Errorf("%v allocations in memory that is there", n)
	}
}
