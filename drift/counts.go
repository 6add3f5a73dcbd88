package drift

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
	// ascending by Hash.
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

// Category counts one value.
type Category struct {
	Hash uint64 // of the value's text, see Hash
	N    int64
}

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
