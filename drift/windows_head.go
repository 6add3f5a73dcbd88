package drift

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
)

// headMagic begins the head of a Windows' state: four letters and the format's
// version.
const headMagic = "PDWH\x02"

// head gives all of the state but the sums: what says which of the stored sums
// count, and how far the partitions are. It is cut into records of at most MaxDelta,
// of which the first one says how many there are.
func (w *Windows) head() [][]byte {
	b := append([]byte(headMagic), 0)
	b = binary.AppendVarint(b, w.mark)
	grids := w.allGrids()
	b = binary.AppendUvarint(b, uint64(len(grids)))
	for _, g := range grids {
		b = g.appendHead(b, w.mark)
	}
	b = binary.AppendUvarint(b, uint64(len(w.partitions)))
	for _, id := range slices.SortedFunc(maps.Keys(w.partitions), comparePartitions) {
		b = w.partitions[id].appendHead(b)
	}
	b = binary.AppendUvarint(b, uint64(len(w.gaps)))
	for _, gap := range w.gaps {
		b = appendCount(binary.AppendVarint(binary.AppendVarint(b, gap.Start), gap.End), gap.n)
		b = appendTold(b, gap.told, w.mark)
	}
	b[len(headMagic)] = byte((len(b) + crc32.Size + MaxDelta - 1) / MaxDelta)
	return slices.Collect(slices.Chunk(appendSum(b, 0), MaxDelta))
}

func (g *grid) appendHead(b []byte, mark int64) []byte {
	b = appendString(b, g.id)
	b = binary.AppendUvarint(b, uint64(len(g.cells)))
	before := int64(0)
	for _, start := range slices.Sorted(maps.Keys(g.cells)) {
		c := g.cells[start]
		b = binary.AppendVarint(b, start-before)
		b = appendTold(b, c.told, mark)
		side, records := c.place()
		b = binary.AppendUvarint(b, uint64(2*records+side))
		before = start
	}
	b = binary.AppendUvarint(b, uint64(len(g.reports)))
	before = 0
	for _, end := range slices.Sorted(maps.Keys(g.reports)) {
		b = binary.AppendVarint(b, end-before)
		b = binary.AppendUvarint(b, uint64(g.reports[end]))
		before = end
	}
	return b
}

// appendTold writes until when windows have told what there is: never beyond the
// mark, and most often until there.
func appendTold(b []byte, told, mark int64) []byte {
	if told == math.MinInt64 {
		return binary.AppendUvarint(b, 0)
	}
	return binary.AppendUvarint(b, uint64(mark-told)+1)
}

func (d *decoder) told(mark int64) int64 {
	n := d.uvarint()
	if n == 0 {
		return math.MinInt64
	}
	return mark - int64(n-1)
}

func (p *partition) appendHead(b []byte) []byte {
	b = binary.AppendVarint(appendString(b, p.id.Source), int64(p.id.Partition))
	b = appendBool(appendBool(b, p.known), p.claims)
	for _, v := range []int64{p.next, p.horizon, p.claimed, p.repeated} {
		b = binary.AppendVarint(b, v)
	}
	b = binary.AppendUvarint(b, uint64(len(p.pending)))
	for _, part := range p.pending {
		b = binary.AppendUvarint(b, uint64(part.Part))
	}
	return b
}

// storedHead puts the records of a head together; none where there is none.
func storedHead(records map[string][]byte) [][]byte {
	first, ok := records[headKey(0)]
	if !ok {
		return nil
	}
	head := [][]byte{first}
	if len(first) > len(headMagic) {
		for i := 1; i < int(first[len(headMagic)]); i++ {
			head = append(head, records[headKey(i)])
		}
	}
	return head
}

// restoreHead reads what head gave, and finds what it names among the records.
func (w *Windows) restoreHead(head [][]byte, records map[string][]byte) error {
	r, err := openRecord(slices.Concat(head...), headMagic)
	if err != nil {
		return err
	}
	r.byte() // how many records it has
	w.mark = r.varint()
	grids := map[string]*grid{}
	for _, g := range w.allGrids() {
		grids[g.id] = g
	}
	for range r.length(3) {
		g := grids[r.string()] // nil where the config has none like this any more
		if err := r.grid(w, g, records); err != nil {
			return err
		}
	}
	for range r.length(9) {
		if err := r.partition(w, records); err != nil {
			return err
		}
	}
	w.gaps = make(gaps, r.length(4))
	for i := range w.gaps {
		w.gaps[i] = gap{Span{r.varint(), r.varint()}, r.count(), r.told(w.mark)}
	}
	return r.close()
}

// grid reads the sums of a grid; those of none are passed over.
func (d *decoder) grid(w *Windows, g *grid, records map[string][]byte) error {
	start := int64(0)
	for range d.length(3) {
		start += d.varint()
		told, place := d.told(w.mark), d.uvarint()
		if g == nil || d.err != nil {
			continue
		}
		c := g.at(g.span(start))
		c.side, c.records = int(place%2), int(place/2)
		for _, key := range c.keys(g) {
			sum, err := storedSum(records, key, w.fields)
			if err != nil {
				return err
			}
			c.take(sum)
			c.addTexts(sum)
			delete(w.obsolete, key)
		}
		c.told, c.dirty = told, false
	}
	end := int64(0)
	for range d.length(2) {
		end += d.varint()
		if reports := d.uvarint(); g != nil {
			g.reports[end] = int(reports)
			g.latest = max(g.latest, end)
		}
	}
	return nil
}

// storedSum is a part of a sum, as it was stored.
func storedSum(records map[string][]byte, key string, fields int) (*Pane, error) {
	sum, err := DecodeDelta(records[key])
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", key, err)
	}
	if len(sum.Panes) != 1 || len(sum.Panes[0].Fields) != 0 && len(sum.Panes[0].Fields) != fields {
		return nil, fmt.Errorf("record %s is none of a sum of %d fields", key, fields)
	}
	return &sum.Panes[0], nil
}

func (d *decoder) partition(w *Windows, records map[string][]byte) error {
	id := PartitionID{Source: d.string(), Partition: int32(d.varint())}
	p := w.partition(id)
	p.known, p.claims = d.bool(), d.bool()
	p.next, p.horizon, p.claimed, p.repeated = d.varint(), d.varint(), d.varint(), d.varint()
	for range d.length(1) {
		key := pendingKey(&Delta{Source: id.Source, Partition: id.Partition, Part: int(d.uvarint())})
		part, err := DecodeDelta(records[key])
		if err != nil {
			return fmt.Errorf("record %s: %w", key, err)
		}
		p.pending = append(p.pending, part)
		w.saved.parts = append(w.saved.parts, key)
		delete(w.obsolete, key)
	}
	return nil
}
