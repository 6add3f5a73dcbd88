package drift

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// number is a key that stands in JSON as its value.
type number uint64

func (n number) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, Value(uint64(n)), 'g', -1, 64), nil
}

func (n *number) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseFloat(string(data), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return fmt.Errorf("%s is not a finite number", data)
	}
	*n = number(Key(v))
	return nil
}

// bucketJSON is [value of key, n].
type bucketJSON struct {
	key uint64
	n   int64
}

func (b bucketJSON) MarshalJSON() ([]byte, error) {
	return pair(number(b.key), b.n)
}

func (b *bucketJSON) UnmarshalJSON(data []byte) error {
	return unpair(data, (*number)(&b.key), &b.n)
}

// nameJSON is [text, n].
type nameJSON struct {
	text string
	n    int64
}

func (c nameJSON) MarshalJSON() ([]byte, error) { return pair(c.text, c.n) }

func (c *nameJSON) UnmarshalJSON(data []byte) error { return unpair(data, &c.text, &c.n) }

func pair(of any, n int64) ([]byte, error) { return encodeJSON([2]any{of, n}) }

func unpair(data []byte, of any, n *int64) error {
	var both []json.RawMessage
	if err := json.Unmarshal(data, &both); err != nil {
		return err
	}
	if len(both) != 2 {
		return fmt.Errorf("%d values stand for a pair", len(both))
	}
	if err := json.Unmarshal(both[0], of); err != nil {
		return err
	}
	return json.Unmarshal(both[1], n)
}

// halved are the stretches of keys that a layout halves and of which it halves
// neither half again; n is not used. With them the layout is told, for all that
// contain one are halved, too.
func halved(l *Layout) []stretch {
	var all []stretch
	for i := 1; i < len(l.Splits); i++ {
		size := l.End(l.Splits[i]) - l.Splits[i]
		if before := l.Splits[i-1]; l.End(before)-before == size && l.Splits[i] == before+size && before&(2*size-1) == 0 {
			all = append(all, stretch{key: before, shift: log2(size) + 1})
		}
	}
	return all
}

func log2(size uint64) uint8 {
	var shift uint8
	for size > 1 {
		size, shift = size/2, shift+1
	}
	return shift
}

// layoutOf is the layout that halves what is told and all that contains it.
func layoutOf(told []bucketJSON) (Layout, error) {
	if len(told) >= 100 {
		return Layout{}, errors.New("halved: each holds more than a hundredth, so that there are fewer than 100")
	}
	starts := map[uint64]bool{}
	for i, t := range told {
		if t.n < 1 || t.n > basicShift || t.key&(1<<t.n-1) != 0 {
			return Layout{}, fmt.Errorf("halved: %d bits from %g on are not a bucket", t.n, Value(t.key))
		}
		if i > 0 && t.key < told[i-1].key+1<<told[i-1].n {
			return Layout{}, errors.New("halved: buckets do not ascend")
		}
		for shift := uint8(t.n); shift <= basicShift; shift++ {
			start := t.key &^ (1<<shift - 1)
			starts[start], starts[start|1<<(shift-1)] = true, true
		}
	}
	l := Layout{Splits: make([]uint64, 0, len(starts))}
	for start := range starts {
		l.Splits = append(l.Splits, start)
	}
	slices.Sort(l.Splits)
	if len(l.Splits) == 0 {
		return Layout{}, nil
	}
	return l, l.Validate()
}
