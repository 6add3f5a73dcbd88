package drift

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// headKey is the record that says which of the others count.
const headKey = "head"

func cellKey(g *grid, c *cell, part int) string {
	return fmt.Sprintf("pane/%s/%d/%d", g.id, c.span.Start, part)
}

func pendingKey(d *Delta) string {
	return fmt.Sprintf("part/%s/%d/%d", d.Source, d.Partition, d.Part)
}

// allGrids are those of the windows and that of the collection.
func (w *Windows) allGrids() []*grid {
	if w.collect == nil {
		return w.grids
	}
	return append(slices.Clip(w.grids), w.collect.sums)
}

// Dirty gives the records of the state that changed since Saved was last called,
// each at most MaxDelta long; one that is nil is to be deleted. Keys are printable
// and mean nothing to others; who stores records of several Windows puts its own
// prefix before them. The records must be stored all or none.
func (w *Windows) Dirty() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		w.storing = map[string]bool{headKey: true}
		for _, g := range w.allGrids() {
			for _, start := range slices.Sorted(maps.Keys(g.cells)) {
				if !w.storeCell(g, g.cells[start], yield) {
					return
				}
			}
		}
		for _, id := range slices.SortedFunc(maps.Keys(w.partitions), comparePartitions) {
			if !w.storePending(w.partitions[id], yield) {
				return
			}
		}
		for _, key := range slices.Sorted(maps.Keys(w.stored)) {
			if !w.storing[key] && !yield(key, nil) {
				return
			}
		}
		w.storingHead = w.head()
		if !bytes.Equal(w.storingHead, w.storedHead) {
			yield(headKey, w.storingHead)
		}
	}
}

// storeCell gives the records of a sum that changed; of another one it remembers
// that they are there.
func (w *Windows) storeCell(g *grid, c *cell, yield func(string, []byte) bool) bool {
	if c.dirty {
		sum := Delta{Source: g.id, From: c.span.Start, To: c.span.End, Panes: []Pane{c.sum}}
		records := sum.Encode()
		c.records = len(records)
		for part, record := range records {
			if !yield(cellKey(g, c, part), record) {
				return false
			}
		}
	}
	for part := range c.records {
		w.storing[cellKey(g, c, part)] = true
	}
	return true
}

// storePending gives the parts of a delta that others have to join; they are small
// in number, and soon gone.
func (w *Windows) storePending(p *partition, yield func(string, []byte) bool) bool {
	for _, part := range p.pending {
		key := pendingKey(part)
		w.storing[key] = true
		if !yield(key, part.appendRecord(nil)) {
			return false
		}
	}
	return true
}

// Saved says that what Dirty gave is stored. Nothing may have been applied between.
func (w *Windows) Saved() {
	w.stored, w.storedHead = w.storing, w.storingHead
	for _, g := range w.allGrids() {
		for _, c := range g.cells {
			c.dirty = false
		}
	}
}

func comparePartitions(a, b PartitionID) int {
	if c := strings.Compare(a.Source, b.Source); c != 0 {
		return c
	}
	return int(a.Partition) - int(b.Partition)
}

// Restore puts an empty Windows where the stored records say, which come in any
// order. Those that do not belong to the state any more, or to a window that is no
// longer configured, are ignored, and deleted with the next Dirty.
func (w *Windows) Restore(records iter.Seq2[string, []byte]) error {
	all := maps.Collect(records)
	for key := range all {
		w.stored[key] = true
	}
	head, ok := all[headKey]
	if !ok {
		return nil
	}
	if err := w.restoreHead(head, all); err != nil {
		return fmt.Errorf("state of windows: %w", err)
	}
	w.storedHead = head
	return nil
}
