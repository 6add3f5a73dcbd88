package producer

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Partition says which of a topic's n partitions a record goes to: by its key
// as Kafka's Java client does, and without one by the number of the source's
// partition, which the record carries until it is sent. So the records of one
// key stay in order, whatever the number of partitions.
func Partition(r *kgo.Record, n int) int {
	if r.Key == nil {
		return int(r.Partition) % n
	}
	return int(murmur2(r.Key)&0x7fffffff) % n
}

// murmur2 is the hash of Kafka's DefaultPartitioner: Austin Appleby's
// MurmurHash2 with the seed 0x9747b28c.
func murmur2(key []byte) uint32 {
	const (
		seed  = 0x9747b28c
		m     = 0x5bd1e995
		shift = 24
	)
	h := seed ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * m
		h = h*m ^ (k^k>>shift)*m
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
