package drift

import (
	"encoding/binary"
	"errors"
)

var errDistinct = errors.New("the registers of a cardinality are damaged")

// AppendBinary appends the canonical form: the number of registers that are not 0
// and, when that is at most 640, each of them as index<<5 | rank, ascending;
// otherwise all 2048 ranks, five bits each. Numbers are of 16 bits, and all of it
// is little endian, bits from the lowest on. The same set of values has the same
// bytes, however it was counted.
func (d *Distinct) AppendBinary(data []byte) []byte {
	n := len(d.sparse)
	for _, r := range d.dense {
		if r > 0 {
			n++
		}
	}
	data = binary.LittleEndian.AppendUint16(data, uint16(n))
	for _, s := range d.sparse {
		data = binary.LittleEndian.AppendUint16(data, s)
	}
	for eight := d.dense; len(eight) > 0; eight = eight[8:] {
		var packed uint64
		for i, r := range eight[:8] {
			packed |= uint64(r) << (i * rankBits)
		}
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], packed)
		data = append(data, word[:rankBits]...)
	}
	return data
}

// size is how many bytes AppendBinary appends.
func (d *Distinct) size() int { return 2 + 2*len(d.sparse) + len(d.dense)*rankBits/8 }

// UnmarshalBinary reads what AppendBinary wrote, and nothing else.
func (d *Distinct) UnmarshalBinary(data []byte) error {
	if len(data) < 2 {
		return errDistinct
	}
	n, data := int(binary.LittleEndian.Uint16(data)), data[2:]
	if n <= maxSparse {
		return d.readSparse(n, data)
	}
	return d.readDense(n, data)
}

func (d *Distinct) readSparse(n int, data []byte) error {
	if len(data) != 2*n {
		return errDistinct
	}
	sparse := make([]uint16, n)
	for i := range sparse {
		sparse[i] = binary.LittleEndian.Uint16(data[2*i:])
		if sparse[i]&maxRank == 0 || i > 0 && sparse[i]>>rankBits <= sparse[i-1]>>rankBits {
			return errDistinct
		}
	}
	d.sparse, d.dense = sparse, nil
	return nil
}

func (d *Distinct) readDense(n int, data []byte) error {
	if len(data) != registers*rankBits/8 {
		return errDistinct
	}
	dense := make([]uint8, 0, registers)
	for ; len(data) > 0; data = data[rankBits:] {
		var word [8]byte
		copy(word[:], data[:rankBits])
		packed := binary.LittleEndian.Uint64(word[:])
		for i := range 8 {
			r := uint8(packed >> (i * rankBits) & maxRank)
			if r > 0 {
				n--
			}
			dense = append(dense, r)
		}
	}
	if n != 0 {
		return errDistinct
	}
	d.sparse, d.dense = nil, dense
	return nil
}
