package drift

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// headMagic begins the head of a Windows' state: four letters and the format's
// version.
const headMagic = "PDWH\x01"

// head gives all of the state but the sums: what says which of the stored sums
// count, and how far the partitions are.
func (w *Windows) head() []byte {
	b := binary.AppendVarint([]byte(headMagic), w.mark)
	grids := w.allGrids()
	b = binary.AppendUvarint(b, uint64(len(grids)))
	for _, g := range grids {
		b = g.appendHead(b)
	}
	b = binary.AppendUvarint(b, uint64(len(w.partitions)))
	for _, id := range slices.SortedFunc(maps.Keys(w.partitions), comparePartitions) {
		b = w.partitions[id].appendHead(b)
	}
	b = binary.AppendUvarint(b, uint64(len(w.gaps)))
	for _, gap := range w.gaps {
		b = appendCount(binary.AppendVarint(binary.AppendVarint(b, gap.Start), gap.End), gap.n)
		b = appendBool(b, gap.changed)
	}
	return appendSum(b, 0)
}

func (g *grid) appendHead(b []byte) []byte {
	b = appendString(b, g.id)
	b = binary.AppendUvarint(b, uint64(len(g.cells)))
	for _, start := range slices.Sorted(maps.Keys(g.cells)) {
		c := g.cells[start]
		b = binary.AppendVarint(b, start)
		b = appendBool(b, c.changed)
		b = binary.AppendUvarint(b, uint64(c.records))
	}
	b = binary.AppendUvarint(b, uint64(len(g.reports)))
	for _, end := range slices.Sorted(maps.Keys(g.reports)) {
		b = binary.AppendVarint(b, end)
		b = binary.AppendUvarint(b, uint64(g.reports[end]))
	}
	return b
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

// restoreHead reads what head gave, and finds what it names among the records.
func (w *Windows) restoreHead(head []byte, records map[string][]byte) error {
	r, err := openRecord(head, headMagic)
	if err != nil {
		return err
	}
	w.mark = r.varint()
	grids := map[string]*grid{}
	for _, g := range w.allGrids() {
		grids[g.id] = g
	}
	for range r.length(3) {
		g := grids[r.string()] // nil where the config has none like this any more
		if err := r.grid(g, w.fields, records); err != nil {
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
		w.gaps[i] = gap{Span{r.varint(), r.varint()}, r.count(), r.bool()}
	}
	return r.close()
}

func (d *decoder) grid(g *grid, fields int, records map[string][]byte) error {
	for range d.length(3) {
		start, changed, parts := d.varint(), d.bool(), d.uvarint()
		if g == nil || d.err != nil {
			continue
		}
		c := g.at(g.span(start))
		for part := range int(parts) {
			sum, err := storedSum(records, cellKey(g, c, part), fields)
			if err != nil {
				return err
			}
			c.add(sum)
			c.addTexts(sum)
		}
		c.changed, c.dirty, c.records = changed, false, int(parts)
	}
	for range d.length(2) {
		end, reports := d.varint(), d.uvarint()
		if g != nil {
			g.reports[end] = int(reports)
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
	}
	return nil
}
