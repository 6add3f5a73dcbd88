package drift

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
)

// deltaMagic begins an encoded delta: four letters and the format's version.
const deltaMagic = "PDLT\x01"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends the delta as one record; docs/formats.md describes it.
func (d *Delta) appendRecord(b []byte) []byte {
	begin := len(b)
	b = append(b, deltaMagic...)
	for _, s := range []string{d.Pipeline, d.Model, d.Version, d.Variant, d.Generation, d.Source} {
		b = appendString(b, s)
	}
	b = binary.AppendVarint(b, int64(d.Partition))
	b = binary.AppendVarint(b, d.From)
	b = binary.AppendVarint(b, d.To-d.From)
	b = binary.AppendUvarint(b, uint64(d.Part))
	b = binary.AppendUvarint(b, uint64(d.Parts))
	b = binary.AppendVarint(b, d.Horizon)
	b = binary.AppendVarint(b, d.Clock)
	b = appendBool(b, d.Idle)
	b = binary.AppendUvarint(b, uint64(len(d.Panes)))
	var last int64
	for i := range d.Panes {
		p := &d.Panes[i]
		b = binary.AppendVarint(b, p.Start-last)
		b = appendPane(b, p)
		last = p.Start
	}
	return appendSum(b, begin)
}

func appendPane(b []byte, p *Pane) []byte {
	b = appendCount(appendCount(appendCount(appendCount(b, p.Rows), p.Late), p.Future), p.Lost)
	b = binary.AppendUvarint(b, uint64(len(p.Fields)))
	for i := range p.Fields {
		b = appendCounts(b, &p.Fields[i], p.Rows)
	}
	if len(p.Texts) == 0 { // as where there is a reference
		return append(b, 0)
	}
	hashes := slices.DeleteFunc(slices.Sorted(maps.Keys(p.Texts)), func(hash uint64) bool { return len(p.Texts[hash]) > maxText })
	b = binary.AppendUvarint(b, uint64(len(hashes)))
	for _, hash := range hashes {
		b = appendString(binary.LittleEndian.AppendUint64(b, hash), p.Texts[hash])
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// appendSum ends the record that began at begin with its CRC-32C.
func appendSum(b []byte, begin int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[begin:], castagnoli))
}

// openRecord checks magic and checksum and gives a decoder of what is between.
func openRecord(data []byte, magic string) (*decoder, error) {
	if len(data) < len(magic)+crc32.Size || string(data[:len(magic)-1]) != magic[:len(magic)-1] {
		return nil, errors.New("not one")
	}
	if version := data[len(magic)-1]; version != magic[len(magic)-1] {
		return nil, fmt.Errorf("version %d is not %d", version, magic[len(magic)-1])
	}
	body, sum := data[:len(data)-crc32.Size], data[len(data)-crc32.Size:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(sum) {
		return nil, errors.New("the checksum is wrong")
	}
	return &decoder{data: body[len(magic):]}, nil
}

// close tells what was wrong with the record, bytes left over included.
func (d *decoder) close() error {
	if d.err == nil && len(d.data) > 0 {
		return fmt.Errorf("%d bytes are left over", len(d.data))
	}
	return d.err
}

// DecodeDelta reads one record.
func DecodeDelta(data []byte) (*Delta, error) {
	r, err := openRecord(data, deltaMagic)
	if err != nil {
		return nil, fmt.Errorf("delta: %w", err)
	}
	d := &Delta{}
	for _, s := range []*string{&d.Pipeline, &d.Model, &d.Version, &d.Variant, &d.Generation, &d.Source} {
		*s = r.string()
	}
	partition := r.varint()
	d.Partition = int32(partition)
	d.From = r.varint()
	offsets := r.varint()
	d.To = d.From + offsets
	part, parts := r.uvarint(), r.uvarint()
	d.Part, d.Parts = int(part), int(parts)
	d.Horizon, d.Clock = r.varint(), r.varint()
	d.Idle = r.bool()
	if int64(d.Partition) != partition || d.To < d.From || offsets < 0 || part >= parts || parts > math.MaxInt32 {
		r.fail(fmt.Errorf("partition %d, offsets %d+%d, part %d of %d", partition, d.From, offsets, part, parts))
	}
	if n := r.length(minPane); n > 0 {
		d.Panes = make([]Pane, n)
	}
	var last int64
	for i := range d.Panes {
		p := &d.Panes[i]
		p.Start = last + r.varint()
		if i > 0 && p.Start <= last || p.Start != min(max(p.Start, -maxTime), maxTime) {
			r.fail(fmt.Errorf("a pane of %d after one of %d", p.Start, last))
		}
		last = p.Start
		r.pane(p)
	}
	if err := r.close(); err != nil {
		return nil, fmt.Errorf("delta of %s/%d from %d: %w", d.Source, d.Partition, d.From, err)
	}
	return d, nil
}

// maxTime is further from 1970 than any event that can be meant, in milliseconds,
// and near enough for all calendars.
const maxTime = 1 << 53

// minPane is the fewest bytes of a pane.
const minPane = 7

func (d *decoder) pane(p *Pane) {
	p.Rows, p.Late, p.Future, p.Lost = d.count(), d.count(), d.count(), d.count()
	if n := d.length(1); n > 0 {
		p.Fields = make([]Counts, n)
	}
	for i := range p.Fields {
		d.counts(&p.Fields[i], p.Rows)
	}
	n := d.length(9)
	if n > 0 {
		p.Texts = make(map[uint64]string, n)
	}
	for range n {
		hash, text := d.uint64(), d.string()
		if len(text) > maxText {
			d.fail(fmt.Errorf("a text of %d bytes", len(text)))
		}
		p.Texts[hash] = text
	}
}
