package drift

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// referenceFormat is the version of the JSON form.
const referenceFormat = 2

// The JSON form, which docs/formats.md describes. Bounds of buckets and bins are
// numbers: their shortest decimal form reads back to the same key.
type (
	referenceJSON struct {
		Format     int          `json:"format"`
		Rows       int64        `json:"rows"`
		From       time.Time    `json:"from,omitzero"`
		To         time.Time    `json:"to,omitzero"`
		Block      int64        `json:"block_ms,omitempty"`
		Starts     []int64      `json:"starts,omitempty"`
		Incomplete string       `json:"incomplete,omitempty"`
		Fields     []*fieldJSON `json:"fields"`
	}
	fieldJSON struct {
		Field
		Rows       int64        `json:"rows"`
		Missing    int64        `json:"missing,omitempty"`
		NaN        int64        `json:"nan,omitempty"`
		PosInf     int64        `json:"pos_inf,omitempty"`
		NegInf     int64        `json:"neg_inf,omitempty"`
		TypeErrors int64        `json:"type_errors,omitempty"`
		Halved     []bucketJSON `json:"halved,omitempty"`
		Buckets    []bucketJSON `json:"buckets,omitempty"`
		Bins       []number     `json:"bins,omitempty"`
		Names      []nameJSON   `json:"names,omitempty"`
		Other      int64        `json:"other,omitempty"`
		Known      string       `json:"known,omitempty"`
		Open       bool         `json:"open,omitempty"`
		Centroids  [][]float32  `json:"centroids,omitempty"`
		Blocks     [][]int64    `json:"blocks,omitempty"`
	}
)

// Encode gives the JSON form, a line a field. It is a function of the content.
func (r *Reference) Encode() ([]byte, error) {
	head := referenceJSON{
		Format: referenceFormat, Rows: r.Rows, From: r.From, To: r.To,
		Block: r.Block, Starts: r.Starts, Incomplete: r.Incomplete, Fields: []*fieldJSON{},
	}
	data, err := encodeJSON(head)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSuffix(data, []byte("]}"))
	for i := range r.Fields {
		line, err := encodeJSON(r.Fields[i].json())
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", r.Fields[i].Name, err)
		}
		if i > 0 {
			data = append(data, ',')
		}
		data = append(append(data, '\n'), line...)
	}
	return append(data, "\n]}\n"...), nil
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// seal fixes the digest of a reference that is complete.
func (r *Reference) seal() error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	r.digest = "sha256:" + hex.EncodeToString(sum[:])
	return nil
}

func (f *ReferenceField) json() *fieldJSON {
	c := &f.Counts
	j := &fieldJSON{
		Field: f.Field, Rows: c.Rows, Missing: c.Missing, NaN: c.NaN, PosInf: c.PosInf, NegInf: c.NegInf, TypeErrors: c.TypeErrors,
		Other: c.Other, Open: f.Open, Centroids: f.Centroids, Blocks: f.Blocks,
	}
	for _, h := range halved(&f.Layout) {
		j.Halved = append(j.Halved, bucketJSON{h.key, int64(h.shift)})
	}
	for _, b := range c.Buckets {
		j.Buckets = append(j.Buckets, bucketJSON{b.Key, b.N})
	}
	for _, key := range f.Bins {
		j.Bins = append(j.Bins, number(key))
	}
	for _, name := range f.Names {
		j.Names = append(j.Names, nameJSON{name, c.category(Hash([]byte(name)))})
	}
	known := make([]byte, 0, 8*len(f.Known))
	for _, hash := range f.Known {
		known = binary.BigEndian.AppendUint64(known, hash)
	}
	j.Known = base64.StdEncoding.EncodeToString(known)
	return j
}
