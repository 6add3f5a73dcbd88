package onnxfile

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Cut is one ZipMap node that CutZipMap took out.
type Cut struct {
	Output string // the graph output that the node gave: a sequence of maps
	Index  int    // Output's place among the outputs of the model as it was
	// Tensor is the float32 [N,C] tensor that holds the maps' values and is an
	// output of the model that is left.
	Tensor      string
	TensorIndex int // Tensor's place among the outputs of the model that is left
	// Classes are the maps' keys as text, one a column, in the order of the
	// node's attribute. ONNX Runtime's own maps iterate in sorted order.
	Classes  []string
	TextKeys bool // the keys are strings, not int64s
}

// CutZipMap takes out the top-level ZipMap nodes whose output is an output of
// the graph and feeds nothing else, and makes the tensor they read an output
// in their place: reading one tensor costs less than a map a row. Everything
// else stays byte for byte. The other outputs keep their order; where the
// tensor was an output already, the cut one just goes.
//
// b itself is given back when there is nothing to cut. An error is a *Refusal.
func CutZipMap(b []byte) (cut []byte, cuts []Cut, err error) {
	m := read(b)
	var graph, rest message
	start := -1
	for m.next() {
		if !m.is(modelGraph) {
			continue
		}
		if start >= 0 {
			return nil, nil, secondGraph(m.start)
		}
		start, graph, rest = m.start, m.open(), m
	}
	if m.err != nil {
		return nil, nil, damaged(m.err)
	}
	if start < 0 {
		return b, nil, nil
	}
	body, cuts, err := cutGraph(graph)
	if err != nil {
		return nil, nil, damaged(err)
	}
	if len(cuts) == 0 {
		return b, nil, nil
	}
	cut = make([]byte, 0, len(b)+len(body)-len(graph.rest)+8) // 8: room for a longer length
	cut = append(cut, b[:start]...)
	cut = protowire.AppendTag(cut, modelGraph, protowire.BytesType)
	cut = protowire.AppendBytes(cut, body)
	return append(cut, rest.rest...), cuts, nil
}

// zipMap is a ZipMap node that may be cut.
type zipMap struct {
	Cut
	node    int // offset of the node's field
	outputs int // times that its output is listed among the graph's
	used    bool
}

// zipMaps are a graph's ZipMap nodes by the output they give.
type zipMaps map[string]*zipMap

// cutGraph gives the graph without the ZipMap nodes that can be cut.
func cutGraph(graph message) ([]byte, []Cut, error) {
	found, err := findZipMaps(graph)
	if err != nil || len(found) == 0 {
		return nil, nil, err
	}
	given, err := found.survey(graph)
	if err != nil {
		return nil, nil, err
	}
	for name, z := range found {
		if z.used || z.outputs != 1 || !given[z.Tensor] {
			delete(found, name)
		}
	}
	if len(found) == 0 {
		return nil, nil, nil
	}
	return found.rewrite(graph)
}

// findZipMaps finds the graph's own ZipMap nodes with one input, one output
// and one list of distinct classes.
func findZipMaps(graph message) (zipMaps, error) {
	found := zipMaps{}
	room := maxClasses
	for graph.next() {
		if !graph.is(graphNode) {
			continue
		}
		n, err := readNode(graph.open())
		if err != nil {
			return nil, err
		}
		if n.operator != "ZipMap" || n.domain != mlDomain || n.inputs != 1 || n.outputs != 1 || n.firstInput == "" || n.firstOutput == "" {
			continue
		}
		l, err := readLabels(graph.open(), room)
		if err != nil {
			return nil, err
		}
		if len(l.classes) == 0 || repeats(l.classes) {
			continue
		}
		room -= len(l.classes)
		z := &zipMap{node: graph.start, Cut: Cut{
			Output: strings.Clone(n.firstOutput), Tensor: strings.Clone(n.firstInput), Classes: l.classes, TextKeys: l.text,
		}}
		z.used = found[z.Output] != nil // given twice: not ours to repair
		found[z.Output] = z
	}
	return found, graph.err
}

// repeats tells whether a class is named twice: then the map has fewer keys
// than the tensor has columns, and the cut would show.
func repeats(classes []string) bool {
	seen := make(map[string]bool, len(classes))
	for _, c := range classes {
		seen[c] = true
	}
	return len(seen) != len(classes)
}

// rewrite copies the graph without the ZipMaps and with the tensors they read
// as outputs in their place. It completes the cuts' indexes.
func (found zipMaps) rewrite(graph message) ([]byte, []Cut, error) {
	outputs, err := outputNames(graph)
	if err != nil {
		return nil, nil, err
	}
	cutNodes := map[int]bool{}
	for _, z := range found {
		cutNodes[z.node] = true
	}
	kept := map[string]bool{} // outputs that stay as they are
	for _, name := range outputs {
		kept[name] = found[name] == nil
	}
	left := map[string]int{} // outputs of the graph that is left, and their places
	out := make([]byte, 0, len(graph.rest))
	cuts := make([]Cut, 0, len(found))
	place := 0
	keep := func(name string, field []byte) {
		out = append(out, field...)
		left[name] = place
		place++
	}
	for {
		before := graph.rest
		if !graph.next() {
			break
		}
		field := before[:len(before)-len(graph.rest)]
		switch {
		case graph.is(graphNode) && cutNodes[graph.start]:
		case graph.is(graphOutput):
			name := outputs[0]
			outputs = outputs[1:]
			z := found[name]
			if z == nil {
				keep(name, field)
				continue
			}
			cuts = append(cuts, z.Cut)
			if _, there := left[z.Tensor]; !there && !kept[z.Tensor] {
				keep(z.Tensor, scoresOutput(z.Tensor, len(z.Classes)))
			}
		default:
			out = append(out, field...)
		}
	}
	for i := range cuts {
		cuts[i].TensorIndex = left[cuts[i].Tensor]
	}
	return out, cuts, nil
}

func outputNames(graph message) (names []string, err error) {
	for graph.next() {
		if !graph.is(graphOutput) {
			continue
		}
		if len(names) == maxPorts {
			return nil, tooMany("outputs", maxPorts)
		}
		name, err := nameOf(graph.open())
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, graph.err
}

// scoresOutput writes a graph output: the float tensor name of shape [?,classes].
func scoresOutput(name string, classes int) []byte {
	nest := func(field protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)
	}
	number := func(field protowire.Number, v int) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), uint64(v))
	}
	shape := append(nest(shapeDim, nil), nest(shapeDim, number(dimValue, classes))...)
	tensor := append(number(kindElement, onnxFloat), nest(kindShape, shape)...)
	return nest(graphOutput, append(nest(valueName, []byte(name)), nest(valueType, nest(typeTensor, tensor))...))
}

// nameOf reads the name of a ValueInfoProto.
func nameOf(value message) (name string, err error) {
	for value.next() {
		if value.is(valueName) {
			name = value.view()
		}
	}
	return name, value.err
}
