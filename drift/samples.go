package drift

import "iter"

// A sample is one number of a block of the reference that is not yet in sketches.
type sample struct {
	key   uint64
	block int32
}

// sortSamples sorts by key, in a stable way: a radix sort, which costs a fifth of
// a sort by comparison.
func sortSamples(samples []sample) []sample {
	if len(samples) == 0 {
		return samples
	}
	from, to := samples, make([]sample, len(samples))
	for shift := 0; shift < 64; shift += 8 {
		var ends [256]int
		for i := range from {
			ends[from[i].key>>shift&0xff]++
		}
		if ends[from[0].key>>shift&0xff] == len(from) {
			continue // all have the same digit
		}
		place(ends[:])
		for i := range from {
			digit := from[i].key >> shift & 0xff
			to[ends[digit]] = from[i]
			ends[digit]++
		}
		from, to = to, from
	}
	return from
}

// byBlock gives sorted samples a block at a time, by number.
func byBlock(samples []sample) iter.Seq[[]sample] {
	return func(yield func([]sample) bool) {
		var ends [maxBlocks]int
		for i := range samples {
			ends[samples[i].block]++
		}
		place(ends[:])
		sorted := make([]sample, len(samples))
		for i := range samples {
			block := samples[i].block
			sorted[ends[block]] = samples[i]
			ends[block]++
		}
		begin := 0
		for _, end := range ends {
			if end > begin && !yield(sorted[begin:end]) {
				return
			}
			begin = end
		}
	}
}

// place makes of how many there are of each digit where the first of them goes.
func place(counts []int) {
	at := 0
	for digit, n := range counts {
		counts[digit] = at
		at += n
	}
}
