package drift

import (
	"errors"
	"fmt"
	"slices"
)

// basicShift is how many bits of a key do not tell basic buckets apart: 18 do,
// the sign, 11 of the exponent and 6 of the mantissa.
const basicShift = 46

// Layout says which buckets a numeric field has. The zero value has the basic
// ones: sign, exponent and the first 6 bits of the mantissa, which makes them
// 0.8 to 1.6 % wide. It is part of the reference's digest.
type Layout struct {
	// Splits are the lower ends of all buckets that basic buckets were split
	// into, ascending.
	Splits []uint64 `json:"splits,omitempty"`
}

// basicBucket is the key of the basic bucket of a key.
func basicBucket(key uint64) uint64 { return key >> basicShift << basicShift }

// Bucket is the key of the bucket that v, which is finite, belongs to.
func (l *Layout) Bucket(v float64) uint64 {
	key := Key(v)
	if i, found := slices.BinarySearch(l.Splits, key); found {
		return key
	} else if i > 0 && l.Splits[i-1] >= basicBucket(key) {
		return l.Splits[i-1]
	}
	return basicBucket(key)
}

// End is the key of the first value behind a bucket. Behind the last of the finite
// ones that is Key(math.Inf(1)).
func (l *Layout) End(bucket uint64) uint64 {
	end := basicBucket(bucket) + 1<<basicShift
	if i, found := slices.BinarySearch(l.Splits, bucket); found && i+1 < len(l.Splits) {
		return min(end, l.Splits[i+1])
	}
	return end
}

// Validate tells whether the layout is one of basic buckets that were halved, any
// number of times: its error is for whoever reads layouts from outside.
func (l *Layout) Validate() error {
	for i, key := range l.Splits {
		if key >= infinity || key <= ^uint64(infinity) {
			return errors.New("a bucket of a layout is not one of finite numbers")
		}
		if i > 0 && key <= l.Splits[i-1] {
			return errors.New("the buckets of a layout do not ascend")
		}
		if first := i == 0 || basicBucket(key) != basicBucket(l.Splits[i-1]); first && key != basicBucket(key) {
			return fmt.Errorf("a layout lacks what lies before its bucket %#x", key)
		}
		if size := l.End(key) - key; size&(size-1) != 0 || key&(size-1) != 0 {
			return fmt.Errorf("bucket %#x of a layout does not come from halving", key)
		}
	}
	return nil
}
