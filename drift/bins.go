package drift

import "math"

// binCount is into how many bins of about equal weight a reference is divided.
const binCount = 10

// makeBins are the lower ends of the bins of a numeric field: the deciles of the
// reference, each at the nearest end of a bucket. A bucket with a tenth of the
// reference or more, a heavy tie as a rule, is a bin by itself; what lies between
// two of them is divided into as many bins as it has tenths, at least one, so that
// values that the reference has never seen there are told from its ties.
func makeBins(l *Layout, buckets []Bucket) []uint64 {
	lowest := Key(-math.MaxFloat64)
	bins := []uint64{lowest}
	cut := func(key uint64) {
		if key > bins[len(bins)-1] && key < Key(math.Inf(1)) {
			bins = append(bins, key)
		}
	}
	var total int64
	for _, b := range buckets {
		total += b.N
	}
	for len(buckets) > 0 {
		if heavy := buckets[0]; heavy.N*binCount >= total {
			cut(heavy.Key)
			cut(l.End(heavy.Key))
			buckets = buckets[1:]
			continue
		}
		var light int
		var n int64
		for light < len(buckets) && buckets[light].N*binCount < total {
			n += buckets[light].N
			light++
		}
		for _, key := range quantiles(l, buckets[:light], n, max(1, (n*binCount+total/2)/total)) {
			cut(key)
		}
		buckets = buckets[light:]
	}
	return bins
}

// quantiles are the keys that divide buckets with n values into that many parts of
// about equal weight.
func quantiles(l *Layout, buckets []Bucket, n, parts int64) []uint64 {
	var keys []uint64
	var below int64
	for i, b := range buckets[:len(buckets)-1] {
		below += b.N
		target := n * int64(len(keys)+1) / parts
		// The end of this bucket, unless that of the next one is nearer.
		if int64(len(keys)) < parts-1 && target-below <= below+buckets[i+1].N-target {
			keys = append(keys, l.End(b.Key))
		}
	}
	return keys
}
