package drift

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// check tells what is wrong with a reference that was read.
func (r *Reference) check() error {
	if r.Rows < 0 || r.Block < 0 {
		return errors.New("rows or block_ms are below 0")
	}
	for i, start := range r.Starts {
		if i > 0 && start <= r.Starts[i-1] || r.Block > 0 && start%r.Block != 0 {
			return errors.New("starts do not ascend in multiples of block_ms")
		}
		if r.Block == 0 && (start < 0 || start > r.Rows) {
			return errors.New("starts are not numbers of rows, and there is no block_ms")
		}
	}
	names := map[string]bool{}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Name == "" || names[f.Name] {
			return fmt.Errorf("field %q has no name, or another one has it too", f.Name)
		}
		names[f.Name] = true
		if err := f.check(len(r.Starts)); err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
		if f.Counts.Rows > r.Rows {
			return fmt.Errorf("field %q: more rows than the reference has", f.Name)
		}
	}
	return nil
}

func (f *ReferenceField) check(blocks int) error {
	if err := f.checkSums(); err != nil {
		return err
	}
	var err error
	switch f.Kind {
	case Numeric:
		if f.Names != nil || f.Known != nil || f.Open || f.Counts.Other != 0 || f.Centroids != nil {
			return errors.New("a numeric field has parts of another kind")
		}
		err = f.checkNumeric()
	case Categorical:
		if f.Counts.Buckets != nil || f.Bins != nil || f.Layout.Splits != nil || f.Centroids != nil {
			return errors.New("a categorical field has parts of another kind")
		}
		err = f.checkCategorical()
	case Embedding:
		if f.Counts.Rows != 0 || f.Blocks != nil || f.Bins != nil || f.Names != nil || f.Known != nil || f.Layout.Splits != nil {
			return errors.New("an embedding has counts of its own")
		}
		return f.checkCentroids()
	}
	if err != nil {
		return err
	}
	return f.checkBlocks(blocks)
}

// checkSums finds counts below 0 or above all sense, and rows that are not
// what they are made of.
func (f *ReferenceField) checkSums() error {
	c := &f.Counts
	counts := []int64{c.Missing, c.NaN, c.PosInf, c.NegInf, c.TypeErrors, c.Other}
	for _, b := range c.Buckets {
		counts = append(counts, b.N)
	}
	for _, k := range c.Categories {
		counts = append(counts, k.N)
	}
	var sum int64
	for _, n := range counts {
		if n < 0 || n > math.MaxInt64-sum {
			return errors.New("a count is below 0, or the sum of all is too big")
		}
		sum += n
	}
	if sum != c.Rows {
		return fmt.Errorf("rows is %d, and the counts sum to %d", c.Rows, sum)
	}
	return nil
}

func (f *ReferenceField) checkNumeric() error {
	for i, b := range f.Counts.Buckets {
		if b.N == 0 || !isFinite(Value(b.Key)) || f.Layout.Bucket(Value(b.Key)) != b.Key {
			return fmt.Errorf("buckets: there is none with values from %g on", Value(b.Key))
		}
		if i > 0 && b.Key <= f.Counts.Buckets[i-1].Key {
			return errors.New("buckets do not ascend")
		}
	}
	if len(f.Bins) == 0 || f.Bins[0] != Key(-math.MaxFloat64) {
		return errors.New("bins do not begin at the smallest number")
	}
	for i, key := range f.Bins {
		if i > 0 && key <= f.Bins[i-1] {
			return errors.New("bins do not ascend")
		}
		if !isFinite(Value(key)) || f.Layout.Bucket(Value(key)) != key {
			return fmt.Errorf("bins: %g is not where a bucket begins", Value(key))
		}
	}
	return nil
}

func (f *ReferenceField) checkCategorical() error {
	if n := max(f.Top, len(f.Names)); n > MaxCategories {
		return fmt.Errorf("%d values are counted by name; at most %d can be", n, MaxCategories)
	}
	for i, name := range f.Names {
		if !utf8.ValidString(name) {
			return fmt.Errorf("names: %q is not UTF-8", name)
		}
		if i > 0 && f.Counts.Categories[i].Key == f.Counts.Categories[i-1].Key {
			return errors.New("names: one is there twice")
		}
	}
	for i, hash := range f.Known {
		if i > 0 && hash <= f.Known[i-1] {
			return errors.New("known: hashes do not ascend")
		}
		if _, named := slices.BinarySearchFunc(f.Counts.Categories, hash, compareCategory); named {
			return errors.New("known: a hash is that of a name")
		}
	}
	return nil
}

func (f *ReferenceField) checkCentroids() error {
	for _, c := range f.Centroids {
		if len(c) != f.Width {
			return fmt.Errorf("a centroid has %d numbers, and the field %d", len(c), f.Width)
		}
	}
	return nil
}

// checkBlocks wants as many blocks as there are starts, each with the field's
// cells, which together hold no more than the field.
func (f *ReferenceField) checkBlocks(blocks int) error {
	if len(f.Blocks) != blocks {
		return fmt.Errorf("there are %d blocks, and %d starts", len(f.Blocks), blocks)
	}
	left := f.Counts.Rows
	for _, block := range f.Blocks {
		if len(block) != f.cells() {
			return fmt.Errorf("a block has %d cells, and the field %d", len(block), f.cells())
		}
		for _, n := range block {
			if n < 0 || n > left {
				return errors.New("a cell of a block is below 0, or blocks hold more than the field")
			}
			left -= n
		}
	}
	return nil
}
