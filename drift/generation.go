package drift

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
)

// counting is the version of what this package counts. It changes with Key, the
// basic buckets, Hash, MaxCategories, the registers of Distinct and the projections.
const counting = 1

// generation is the first 16 hex digits of the SHA-256 of what the counts of the
// schema's fields mean, and of what they are compared with.
func generation(s *Schema, ref *Reference) string {
	d := generationHash{sha256.New()}
	d.number(counting)
	if ref != nil {
		d.text(ref.Digest())
	}
	d.number(uint64(len(s.Fields)))
	for i := range s.Fields {
		f := &s.Fields[i]
		d.text(f.Name)
		d.number(uint64(f.Role))
		d.number(uint64(f.Kind))
		d.number(uint64(f.Width))
		switch f.Kind {
		case Numeric:
			d.list(f.Layout.Splits)
		case Categorical:
			d.category(f)
		case Embedding:
			d.centroids(f.Centroids)
		}
	}
	return hex.EncodeToString(d.Sum(nil)[:8])
}

// generationHash is a hash of values that cannot run into one another.
type generationHash struct{ hash.Hash }

func (d generationHash) number(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	d.Write(b[:])
}

func (d generationHash) text(s string) {
	d.number(uint64(len(s)))
	d.Write([]byte(s))
}

func (d generationHash) list(all []uint64) {
	d.number(uint64(len(all)))
	for _, n := range all {
		d.number(n)
	}
}

func (d generationHash) flag(b bool) {
	if b {
		d.number(1)
	} else {
		d.number(0)
	}
}

func (d generationHash) category(f *FieldSchema) {
	d.flag(f.dictionary != nil)
	if f.dictionary == nil {
		return
	}
	d.list(f.dictionary.hashes)
	d.list(f.Known)
	d.flag(f.Open)
}

func (d generationHash) centroids(all [][]float32) {
	d.number(uint64(len(all)))
	for _, c := range all {
		d.number(uint64(len(c)))
		for _, x := range c {
			d.number(uint64(math.Float32bits(x)))
		}
	}
}
