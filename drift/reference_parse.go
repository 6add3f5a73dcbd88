package drift

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ParseReference reads the JSON form and checks it: a reference that it gives is
// one that a ReferenceBuilder could have made.
func ParseReference(data []byte) (*Reference, error) {
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &format); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	if format.Format != referenceFormat {
		return nil, fmt.Errorf("reference: its format is %d, this program reads %d: build it anew", format.Format, referenceFormat)
	}
	var j referenceJSON
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	r := &Reference{Rows: j.Rows, From: j.From, To: j.To, Block: j.Block, Starts: j.Starts, Incomplete: j.Incomplete}
	for i, f := range j.Fields {
		if f == nil {
			return nil, fmt.Errorf("reference: field %d is null", i)
		}
		parsed, err := f.parse()
		if err != nil {
			return nil, fmt.Errorf("reference: field %q: %w", f.Name, err)
		}
		r.Fields = append(r.Fields, parsed)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	return r, r.seal()
}

func (j *fieldJSON) parse() (ReferenceField, error) {
	f := ReferenceField{Field: j.Field, Open: j.Open, Centroids: j.Centroids, Blocks: j.Blocks}
	f.Counts = Counts{
		Rows: j.Rows, Missing: j.Missing, NaN: j.NaN, PosInf: j.PosInf, NegInf: j.NegInf, TypeErrors: j.TypeErrors, Other: j.Other,
	}
	var err error
	if f.Layout, err = layoutOf(j.Halved); err != nil {
		return f, err
	}
	for _, b := range j.Buckets {
		f.Counts.Buckets = append(f.Counts.Buckets, Bucket{b.key, b.n})
	}
	for _, key := range j.Bins {
		f.Bins = append(f.Bins, uint64(key))
	}
	for _, name := range j.Names {
		f.Names = append(f.Names, name.text)
		f.Counts.Categories = append(f.Counts.Categories, Category{Hash([]byte(name.text)), name.n})
	}
	slices.SortFunc(f.Counts.Categories, func(a, b Category) int { return compareCategory(a, b.Key) })
	known, err := base64.StdEncoding.DecodeString(j.Known)
	if err != nil || len(known)%8 != 0 {
		return f, errors.New("known is not the base64 of hashes of 8 bytes each")
	}
	for ; len(known) > 0; known = known[8:] {
		f.Known = append(f.Known, binary.BigEndian.Uint64(known))
	}
	return f, nil
}
