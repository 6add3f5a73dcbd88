package producer

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestMurmur2IsJavas: the values of UtilsTest.testMurmur2 in Apache Kafka.
func TestMurmur2IsJavas(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

// TestMurmur2IsTheClients compares keys of every length, with bytes beyond
// ASCII, with the client's own partitioner for Java's.
func TestMurmur2IsTheClients(t *testing.T) {
	theirs := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	for n := range 67 {
		key := make([]byte, n)
		for i := range key {
			key[i] = byte(i*37 + n*101)
		}
		for _, partitions := range []int{1, 3, 7, 100} {
			r := &kgo.Record{Key: key}
			if got, want := Partition(r, partitions), theirs.Partition(r, partitions); got != want {
				t.Errorf("key of %d bytes over %d partitions: %d, want %d", n, partitions, got, want)
			}
		}
	}
}

// TestPartitionWithoutKey: an empty key is one, and none goes by the source's
// partition.
func TestPartitionWithoutKey(t *testing.T) {
	if got := Partition(&kgo.Record{Partition: 7}, 3); got != 1 {
		t.Errorf("without a key: %d, want 1", got)
	}
	empty := Partition(&kgo.Record{Partition: 7, Key: []byte{}}, 1000)
	if want := int(murmur2(nil)&0x7fffffff) % 1000; empty != want {
		t.Errorf("with an empty key: %d, want %d", empty, want)
	}
}
