package onnxfile

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// labels are the classes that a classifier or ZipMap node names, in order.
type labels struct {
	classes []string
	text    bool // they are strings, not int64s
}

// readLabels reads the classes that a node names, at most limit. There are
// none where the node names both kinds or neither.
func readLabels(node message, limit int) (labels, error) {
	var ints, strs []string
	for node.next() {
		if !node.is(nodeAttribute) {
			continue
		}
		name, err := attributeNamed(node.open())
		if err != nil {
			return labels{}, err
		}
		switch name {
		case "classlabels_int64s", "classlabels_ints":
			ints, err = readIntegers(node.open(), limit)
		case "classlabels_strings":
			strs, err = readTexts(node.open(), limit)
		}
		if err != nil {
			return labels{}, err
		}
	}
	switch {
	case node.err != nil, len(ints) > 0 && len(strs) > 0:
		return labels{}, node.err
	case len(strs) > 0:
		return labels{strs, true}, nil
	default:
		return labels{ints, false}, nil
	}
}

func attributeNamed(attribute message) (name string, err error) {
	for attribute.next() {
		if attribute.is(attributeName) {
			name = attribute.view()
		}
	}
	return name, attribute.err
}

// readIntegers reads an attribute's ints, packed or not, as text.
func readIntegers(attribute message, limit int) (list []string, err error) {
	add := func(v uint64) { list = append(list, strconv.FormatInt(int64(v), 10)) }
	for attribute.next() && len(list) <= limit {
		switch {
		case attribute.isVarint(attributeInts):
			add(attribute.number)
		case attribute.is(attributeInts):
			for b := attribute.bytes; len(b) > 0 && len(list) <= limit; {
				v, n := protowire.ConsumeVarint(b)
				if n < 0 {
					return nil, &wireError{offset: attribute.start, field: attributeInts}
				}
				add(v)
				b = b[n:]
			}
		}
	}
	return list, withinLimit(attribute.err, len(list), limit)
}

func readTexts(attribute message, limit int) (list []string, err error) {
	for attribute.next() && len(list) <= limit {
		if attribute.is(attributeStrings) {
			list = append(list, string(attribute.bytes))
		}
	}
	return list, withinLimit(attribute.err, len(list), limit)
}

// withinLimit is err, or a refusal when more than limit classes were read.
func withinLimit(err error, read, limit int) error {
	if err == nil && read > limit {
		return tooMany("class labels", maxClasses)
	}
	return err
}
