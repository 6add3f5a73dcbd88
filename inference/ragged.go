package inference

// maxLaidOut bounds the memory that inputs of open length take, so that a long
// event among many short ones does not widen them all to gigabytes. With the
// elements of all such inputs, masks too, counted together:
//
//   - What one event brings takes at most maxLaidOut, laid out as one row, or as
//     the rows of a fixed batch size; a longer array is too large. (longest)
//   - A batch that holds maxLaidOut is full, so it never holds twice as much.
//     (Full)
//   - A run ends before the row that would make its layout larger than
//     maxLaidOut. (runEnd)
//   - What Reset keeps for the next batch is at most maxLaidOut. (releaseRagged)
const maxLaidOut = 64 << 20

// bindRagged finds the inputs of open length and bounds their rows.
func (b *Batch) bindRagged() {
	size := 0
	for i := range b.stores {
		if s := &b.stores[i]; s.in.layout == raggedLayout {
			b.lists = append(b.lists, s)
			size += s.size
		}
	}
	if size > 0 {
		b.longest = max(1, maxLaidOut/(size*max(1, b.plan.staticRows)))
		b.widths = make([]int, len(b.lists))
	}
}

// raggedBytes is what the elements of the finished rows take.
func (b *Batch) raggedBytes() (bytes int) {
	for _, s := range b.lists {
		bytes += s.starts[b.row] * s.size
	}
	return bytes
}

// runEnd is the end of the longest run that may begin with row lo and ends at
// hi at the latest. A row alone always may: longest sees to that.
func (b *Batch) runEnd(lo, hi int) int {
	if len(b.lists) == 0 {
		return hi
	}
	clear(b.widths)
	for end := lo; end < hi; end++ {
		row := 0 // bytes, once all rows are as wide as the widest
		for i, s := range b.lists {
			_, count := s.row(end)
			b.widths[i] = max(b.widths[i], count, 1)
			row += b.widths[i] * s.size
		}
		if end > lo && (end+1-lo)*row > maxLaidOut {
			return end
		}
	}
	return hi
}

// releaseRagged gives memory back that an unusual batch made too large to keep.
func (b *Batch) releaseRagged() {
	kept := 0
	for _, s := range b.lists {
		kept += len(s.elements.words)*8 + cap(s.laid.Data) + cap(s.laid.Refs)*s.size
	}
	if kept <= maxLaidOut {
		return
	}
	for _, s := range b.lists {
		s.elements, s.laid = memory{}, Tensor{}
	}
}
