package inference

import (
	"slices"
	"strings"
)

// scoreKind is the way from an output to the one number that is the score.
type scoreKind uint8

const (
	noScore        scoreKind = iota
	plainScore               // the output's one value a row
	columnScore              // one column of a matrix or map
	classScore               // the column of a class that only a run's keys tell
	predictedScore           // of two columns the second, of more the predicted class's
	memberScore              // one output a class: the predicted class's
)

// scorePick says where the score is taken from.
type scorePick struct {
	kind   scoreKind
	output int
	// column is columnScore's, and for classScore the position that counts
	// when no class has the text; -1 when there is none.
	column     int
	class      string // classScore
	members    []int  // memberScore: the outputs, in the model's order
	configured bool   // by the user, whom a misfit is told; else it is copied instead
}

// labelPick says where the label is taken from; output is -1 for none.
type labelPick struct {
	output     int
	configured bool
}

// detection is what outputs say without a config.
type detection struct {
	score  scorePick
	label  labelPick
	copied []int // outputs that the headline does not use up, in the model's order
}

// detect reads the headline off the types, ranks and number of the outputs.
// Of declared dimensions it trusts only the last one of two: exporters write
// [1] where [N] comes back.
func detect(outputs []TensorInfo) detection {
	all := make([]int, len(outputs))
	for i := range all {
		all[i] = i
	}
	nothing := detection{label: labelPick{output: -1}, copied: all}
	if len(outputs) == 1 {
		if o := &outputs[0]; (o.Type.Float() || o.Type.Integer()) && !o.Map && oneColumn(o) {
			return detection{score: scorePick{kind: plainScore}, label: labelPick{output: -1}}
		}
		return nothing
	}
	label, singles, matrices := sortOutputs(outputs)
	if label < 0 || 1+len(singles)+len(matrices) != len(outputs) {
		return nothing
	}
	found := detection{label: labelPick{output: label}}
	switch {
	case len(matrices) == 1 && len(singles) == 0:
		found.score = scorePick{kind: predictedScore, output: matrices[0]}
	case len(matrices) > 0:
		return nothing
	case len(singles) == 1 && !calledHeadline(outputs[label].Name, outputs[singles[0]].Name):
		return nothing
	case len(singles) == 1 && outputs[singles[0]].Shape == nil:
		found.score = scorePick{kind: predictedScore, output: singles[0]} // fits either
	case len(singles) == 1:
		found.score = scorePick{kind: plainScore, output: singles[0]}
	default:
		return detectMany(outputs, singles, found, nothing)
	}
	return found
}

// calledHeadline tells whether a label and a number beside it are called so by
// at least one of their names. An integer and a float alone say nothing: they
// may be a delivery's days and its price.
func calledHeadline(label, number string) bool {
	contains := func(name string, words ...string) bool {
		name = strings.ToLower(name)
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
	}
	return contains(label, "label", "class", "pred", "anomal", "outlier") ||
		contains(number, "score", "prob", "decision", "anomal", "outlier", "confidence")
}

// detectMany decides for a label beside several numbers: an anomaly detector
// calls one of them its score, a classifier names one after each class.
func detectMany(outputs []TensorInfo, singles []int, found, nothing detection) detection {
	for _, name := range []string{"scores", "score"} {
		for k, o := range singles {
			if outputs[o].Name == name {
				found.score = scorePick{kind: plainScore, output: o}
				found.copied = slices.Delete(slices.Clone(singles), k, k+1)
				return found
			}
		}
	}
	numbered := !slices.ContainsFunc(singles, func(o int) bool { return !endsInDigit(outputs[o].Name) })
	switch typ := outputs[found.label.output].Type; {
	case typ == Bool, typ.Integer() && !numbered:
		return nothing
	case len(singles) == 2:
		found.score = scorePick{kind: plainScore, output: singles[1]}
	default:
		found.score = scorePick{kind: memberScore, output: singles[0], members: singles}
	}
	return found
}

// sortOutputs finds the one label (-1 when there is none, or more than one),
// the numbers and the matrices; what is neither is in no list.
func sortOutputs(outputs []TensorInfo) (label int, singles, matrices []int) {
	label = -1
	labels := 0
	for i := range outputs {
		switch o := &outputs[i]; {
		case o.Map:
			matrices = append(matrices, i)
		case o.Type == Int64, o.Type == Int32, o.Type == String, o.Type == Bool:
			if oneColumn(o) {
				label = i
				labels++
			}
		case !o.Type.Float():
		case oneColumn(o):
			singles = append(singles, i)
		case len(o.Shape) == 2:
			matrices = append(matrices, i)
		}
	}
	if labels != 1 {
		label = -1
	}
	return label, singles, matrices
}

// oneColumn tells whether an output can be one value a row: [N], [N,1], a
// scalar, or of unknown rank.
func oneColumn(o *TensorInfo) bool {
	return len(o.Shape) <= 1 || len(o.Shape) == 2 && o.Shape[1] == 1
}

func endsInDigit(name string) bool {
	return name != "" && strings.IndexByte("0123456789", name[len(name)-1]) >= 0
}
