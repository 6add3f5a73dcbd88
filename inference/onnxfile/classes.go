package onnxfile

import (
	"slices"
	"strconv"

	"github.com/penstock/penstock/inference"
)

// scores traces the main graph's outputs back to the classifier whose scores
// they are. It only goes through nodes that keep the columns as they are, so
// that the classes it finds are certain.
type scores struct {
	from    map[string]message // the value that holds a classifier's scores: its node
	through map[string]string  // output of a node that keeps columns: its input
}

// note remembers a node of the main graph if it matters.
func (s *scores) note(n node, m message) {
	if s.from == nil {
		s.from, s.through = map[string]message{}, map[string]string{}
	}
	switch {
	case n.domain == mlDomain && n.operator == "ZipMap":
		s.from[n.firstOutput] = m
	case n.domain == mlDomain && slices.Contains(classifiers, n.operator):
		s.from[n.secondOutput] = m
	case slices.Contains(columnKeepers, operator{n.domain, n.operator}):
		s.through[n.firstOutput] = n.firstInput
	}
}

// classifiers give the label first and one score a class second.
var classifiers = []string{"TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"}

var columnKeepers = []operator{{"", "Identity"}, {"", "Cast"}, {"", "Softmax"}, {"", "Sigmoid"}, {"", "Clip"}, {mlDomain, "Normalizer"}}

// label sets the classes of the outputs that are a classifier's scores.
func (s *scores) label(outputs []inference.TensorInfo) error {
	room := maxClasses
	read := map[string][]string{}
	for i := range outputs {
		value := s.trace(outputs[i].Name)
		node, ok := s.from[value]
		if !ok {
			continue
		}
		classes, ok := read[value]
		if !ok {
			l, err := readLabels(node, room)
			if err != nil {
				return err
			}
			classes = l.classes
			read[value], room = classes, room-len(classes)
		}
		if fits(&outputs[i], len(classes)) {
			outputs[i].Classes = classes
		}
	}
	return nil
}

// trace goes back from a value to the one whose columns it shows.
func (s *scores) trace(value string) string {
	const longest = 64 // exporters put one or two such nodes in a row
	for range longest {
		before, ok := s.through[value]
		if !ok {
			break
		}
		value = before
	}
	return value
}

// fits tells whether an output has one column a class, as far as it is
// declared: maps, or a matrix.
func fits(o *inference.TensorInfo, classes int) bool {
	switch {
	case classes == 0:
		return false
	case o.Map, o.Shape == nil:
		return true
	}
	return len(o.Shape) == 2 && (o.Shape[1] == inference.Dynamic || o.Shape[1] == int64(classes))
}

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
		attribute.skipValues()
	}
	return name, attribute.err
}

// readIntegers reads an attribute's ints, packed or not, as text.
func readIntegers(attribute message, limit int) (list []string, err error) {
	for attribute.next() && len(list) <= limit {
		if !attribute.isVarint(attributeInts) && !attribute.is(attributeInts) {
			continue
		}
		values := attribute.integers()
		for len(list) <= limit && values.next() {
			list = append(list, strconv.FormatInt(int64(values.value), 10))
		}
		if values.bad {
			return nil, attribute.bad()
		}
	}
	return list, withinLimit(attribute.err, len(list), limit)
}

func readTexts(attribute message, limit int) (list []string, err error) {
	room := maxText
	for attribute.next() && len(list) <= limit {
		if !attribute.is(attributeStrings) {
			continue
		}
		if room -= len(attribute.bytes); room < 0 {
			return nil, tooMuchText()
		}
		list = append(list, string(attribute.bytes))
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
