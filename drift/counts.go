package drift

import "slices"

// Counts are those of one field over a stretch of event time. They are sums, so
// that Add in any order gives the same.
type Counts struct {
	Rows       int64 // rows in which the field was looked at; all that follow are among them
	Missing    int64 // absent or null as it came, whatever the model was given for it
	NaN        int64
	PosInf     int64
	NegInf     int64
	TypeErrors int64 // rows that were rejected for this field's type

	// Buckets are those of a numeric field's finite values that are not empty,
	// ascending by Key.
	Buckets []Bucket
	// Categories are those of a categorical field that are counted by name,
	// ascending by Key.
	Categories []Category
	// Other counts values that the reference has seen and does not count by name.
	Other int64
	// New counts values that the reference has never seen.
	New int64
	// Distinct estimates how many values differ; nil where nobody asked.
	Distinct *Distinct
}

// Bucket counts the finite values from the one that Key stands for up to the next
// bucket of the field's Layout.
type Bucket struct {
	Key uint64 // order-preserving bits of the bucket's lowest value, see Key
	N   int64
}

// Category counts one value of a categorical field. Key is the hash of its text,
// see Hash.
type Category = Bucket

// Finite is the number of values in Buckets.
func (c *Counts) Finite() int64 {
	var n int64
	for i := range c.Buckets {
		n += c.Buckets[i].N
	}
	return n
}

// Named is the number of values in Categories, Other and New: all that had one.
func (c *Counts) Named() int64 {
	n := c.Other + c.New
	for i := range c.Categories {
		n += c.Categories[i].N
	}
	return n
}

// Add adds o, of the same layout and generation, to c. It shares nothing with o,
// and grows only where it has to. In which order Counts are added makes no
// difference; above MaxCategories of them, the categories of the largest hashes
// become Other.
func (c *Counts) Add(o *Counts) {
	c.Rows += o.Rows
	c.Missing += o.Missing
	c.NaN += o.NaN
	c.PosInf += o.PosInf
	c.NegInf += o.NegInf
	c.TypeErrors += o.TypeErrors
	c.Other += o.Other
	c.New += o.New
	c.Buckets = merge(c.Buckets, o.Buckets)
	c.Categories = merge(c.Categories, o.Categories)
	if len(c.Categories) > MaxCategories {
		for _, category := range c.Categories[MaxCategories:] {
			c.Other += category.N
		}
		c.Categories = c.Categories[:MaxCategories]
	}
	switch {
	case o.Distinct == nil:
	case c.Distinct == nil:
		c.Distinct = o.Distinct.Clone()
	default:
		c.Distinct.Add(o.Distinct)
	}
}

// Clone is a copy that shares nothing.
func (c *Counts) Clone() Counts {
	o := *c
	o.Buckets = slices.Clone(c.Buckets)
	o.Categories = slices.Clone(c.Categories)
	if c.Distinct != nil {
		o.Distinct = c.Distinct.Clone()
	}
	return o
}

// merge adds the counts of more to those of the same keys in all, in place where
// that has room. Both ascend.
func merge(all, more []Bucket) []Bucket {
	missing := 0 // in all, of more
	i := 0
	for j := range more {
		key := more[j].Key
		for i < len(all) && all[i].Key < key {
			i++
		}
		if i < len(all) && all[i].Key == key {
			all[i].N += more[j].N
		} else {
			missing++
		}
	}
	if missing == 0 {
		return all
	}
	// From the end on, the larger one goes to its place.
	i = len(all) - 1
	all = slices.Grow(all, missing)[:len(all)+missing]
	for j := len(more) - 1; missing > 0; j-- {
		key := more[j].Key
		for i >= 0 && all[i].Key > key {
			all[i+missing] = all[i]
			i--
		}
		if i < 0 || all[i].Key < key {
			all[i+missing] = more[j]
			missing--
		}
	}
	return all
}
