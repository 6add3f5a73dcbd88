package drift

import "testing"

// A hash of a register's highest rank is one of 2³¹: no text is known by heart.
func TestRanksFitTheirBits(t *testing.T) {
	for hash, want := range map[uint64][2]int{
		0: {0, 31}, 1: {0, 31}, 1 << 22: {0, 31}, 1 << 23: {0, 30}, 1 << 52: {0, 1},
		1 << 53: {1, 31}, ^uint64(0): {2047, 1}, 0xFFE << 52: {2047, 31},
	} {
		if register, rank := registerOf(hash); register != want[0] || int(rank) != want[1] {
			t.Errorf("the hash %#x is rank %d of register %d, want %d of %d", hash, rank, register, want[1], want[0])
		}
	}
}
