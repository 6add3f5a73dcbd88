//go:build unix

package kafkatest

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Records of Kafka's metadata log that tell whether a broker takes part, by
// their key. After the frame (version, key and the record's version, a byte each
// here) comes the broker's id, of 4 bytes, and its epoch, of 8.
const (
	registerBroker     = 0  // it is new, and fenced
	registrationChange = 17 // its tagged field 0 is 1 when it is fenced, -1 when it is no longer
)

// fenced reads from the metadata log whether the broker is fenced.
func (b *Broker) fenced() (bool, error) {
	segments, err := filepath.Glob(b.file("data/__cluster_metadata-0/*.log")) // in order: their names are offsets
	if err != nil {
		return false, err
	}
	fenced := false
	for _, segment := range segments {
		log, err := os.ReadFile(segment)
		if err != nil {
			return false, err
		}
		if err := eachMetadata(log, func(record []byte) { fenced = fencedAfter(fenced, record) }); err != nil {
			return false, fmt.Errorf("%s: %w", segment, err)
		}
	}
	return fenced, nil
}

// fencedAfter is whether the broker is fenced after this record of the log.
func fencedAfter(fenced bool, record []byte) bool {
	const frame, fixed = 3, 4 + 8
	if len(record) < frame+fixed {
		return fenced
	}
	switch record[1] {
	case registerBroker:
		return true
	case registrationChange:
		// Tagged fields: how many, and of each its tag, size and value.
		tagged := record[frame+fixed:]
		if len(tagged) >= 4 && tagged[0] > 0 && tagged[1] == 0 {
			return int8(tagged[3]) > 0
		}
	}
	return fenced
}

// eachMetadata calls f with each record of a segment that is written to its end.
func eachMetadata(segment []byte, f func([]byte)) error {
	const lead, control = 12, 0x20 // offset and length; the attribute of what is Raft's own
	for len(segment) >= lead {
		end := lead + int(binary.BigEndian.Uint32(segment[8:]))
		if end > len(segment) {
			break
		}
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(segment[:end]); err != nil {
			return err
		}
		segment = segment[end:]
		if batch.Attributes&control != 0 {
			continue
		}
		rest := batch.Records
		for range batch.NumRecords {
			size, n := binary.Varint(rest)
			if n <= 0 || int64(len(rest)) < int64(n)+size {
				return fmt.Errorf("a batch at offset %d is cut", batch.FirstOffset)
			}
			var record kmsg.Record
			if err := record.ReadFrom(rest[:n+int(size)]); err != nil {
				return err
			}
			f(record.Value)
			rest = rest[n+int(size):]
		}
	}
	return nil
}
