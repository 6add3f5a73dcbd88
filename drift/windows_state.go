package drift

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// The state is records by key: those of the sums, and the head's, which say which
// of the others count. A sum that changed is written anew beside itself, under keys
// that no stored head names. So sums of any number can be stored in any number of
// steps, and count all at once when the head is.

// HeadKey is the key of the head's first record, which changes with all that is
// applied.
const HeadKey = "head"

// headKey is that of a record of the head.
func headKey(i int) string {
	if i == 0 {
		return HeadKey
	}
	return fmt.Sprintf("%s/%d", HeadKey, i)
}

func cellKey(g *grid, c *cell, side, part int) string {
	return fmt.Sprintf("pane/%s/%d/%d/%d", g.id, c.span.Start, side, part)
}

// keys are those of the records that a sum is stored in.
func (c *cell) keys(g *grid) []string {
	all := make([]string, c.records)
	for part := range all {
		all[part] = cellKey(g, c, c.side, part)
	}
	return all
}

// place is where the next head finds a sum.
func (c *cell) place() (side, records int) {
	if c.dirty {
		return 1 - c.side, c.written
	}
	return c.side, c.records
}

func pendingKey(d *Delta) string {
	return fmt.Sprintf("part/%s/%d/%d", d.Source, d.Partition, d.Part)
}

// headState is what Head gives.
type headState struct {
	records [][]byte
	parts   []string // keys of those of pending deltas
}

func (h *headState) keys() []string {
	all := slices.Clone(h.parts)
	for i := range h.records {
		all = append(all, headKey(i))
	}
	return all
}

// allGrids are those of the windows and that of the collection.
func (w *Windows) allGrids() []*grid {
	if w.collect == nil {
		return w.grids
	}
	return append(slices.Clip(w.grids), w.collect.sums)
}

// Sums gives the records of the sums that changed since Saved was last called, each
// at most MaxDelta long. Keys are printable and mean nothing to others; who stores
// records of several Windows puts its own prefix before them. They replace nothing
// that counts, and count once the records that Head gives then are stored: they may
// be stored with these or before.
func (w *Windows) Sums() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, g := range w.allGrids() {
			for _, start := range slices.Sorted(maps.Keys(g.cells)) {
				c := g.cells[start]
				if !c.dirty {
					continue
				}
				sum := Delta{Source: g.id, From: c.span.Start, To: c.span.End, Panes: []Pane{c.sum}}
				records := sum.Encode()
				c.written = len(records)
				for part, record := range records {
					key := cellKey(g, c, 1-c.side, part)
					delete(w.obsolete, key)
					if !yield(key, record) {
						return
					}
				}
			}
		}
	}
}

// Head gives the records that say which sums count and how far all is, after Sums
// has given those that changed; none where nothing did. They must be stored all or
// none, and with what was made of the same deltas.
func (w *Windows) Head() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		w.saving = headState{records: w.head()}
		for _, id := range slices.SortedFunc(maps.Keys(w.partitions), comparePartitions) {
			// Parts of deltas that others have to join: few, and soon gone.
			for _, part := range w.partitions[id].pending {
				key := pendingKey(part)
				w.saving.parts = append(w.saving.parts, key)
				delete(w.obsolete, key)
				if !yield(key, part.appendRecord(nil)) {
					return
				}
			}
		}
		if slices.EqualFunc(w.saving.records, w.saved.records, bytes.Equal) {
			return
		}
		for i, record := range w.saving.records {
			delete(w.obsolete, headKey(i))
			if !yield(headKey(i), record) {
				return
			}
		}
	}
}

// Obsolete gives the keys of at most so many records that do not count any more
// once Head's are stored. Deleting them can wait.
func (w *Windows) Obsolete(most int) []string {
	all := slices.Sorted(maps.Keys(w.obsolete))
	w.removing = all[:min(len(all), most)]
	return w.removing
}

// Saved says that what Sums and Head gave is stored, and what Obsolete gave is
// deleted. Nothing may have been applied between.
func (w *Windows) Saved() {
	for _, key := range w.removing {
		delete(w.obsolete, key)
	}
	w.removing = nil
	for _, g := range w.allGrids() {
		for _, c := range g.cells {
			if c.dirty {
				w.free(g, c)
				c.side, c.records = c.place()
				c.dirty = false
			}
		}
	}
	for _, key := range w.saved.keys() {
		w.obsolete[key] = true
	}
	for _, key := range w.saving.keys() {
		delete(w.obsolete, key)
	}
	w.saved = w.saving
}

// free notes that the records which a sum is stored in count no more.
func (w *Windows) free(g *grid, c *cell) {
	for _, key := range c.keys(g) {
		w.obsolete[key] = true
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
// longer configured, are ignored, and given by Obsolete.
func (w *Windows) Restore(records iter.Seq2[string, []byte]) error {
	all := maps.Collect(records)
	for key := range all {
		w.obsolete[key] = true
	}
	w.saved.records = storedHead(all)
	if w.saved.records == nil {
		return nil
	}
	for i := range w.saved.records {
		delete(w.obsolete, headKey(i))
	}
	if err := w.restoreHead(w.saved.records, all); err != nil {
		return fmt.Errorf("state of windows: %w", err)
	}
	return nil
}
