package onnxfile

// What the walk takes before it refuses a file as TooLarge or TooDeep. The
// largest language models have some 10^5 nodes; a hostile file at every one of
// these limits costs a few hundred MB for a moment and about a second.
const (
	maxNodes     = 1 << 20 // in all graphs and functions together
	maxValues    = 1 << 21 // names given: inputs, initializers, node outputs
	maxUses      = 1 << 22 // names looked up, once in every graph that is asked
	maxPorts     = 1 << 16 // inputs, and outputs, of the main graph
	maxClasses   = 1 << 20 // class labels that are kept
	maxFunctions = 1 << 14
	maxText      = 64 << 20 // bytes of the text that File keeps
	maxDepth     = 32       // graphs within graphs, types within types
	maxElements  = 1 << 31  // of one tensor
	// maxSteps bounds the fields that are stepped over, each as often as it is.
	// A node of an exporter has some 30 fields, and the walk steps three times
	// over most. What models have by the hundred million are the numbers of
	// trees and weights, and those are runs of one field, which do not count.
	maxSteps = 1 << 26
	// maxExpanded bounds the nodes that are there once every call of a model
	// function is replaced by its body: a few functions that call each other
	// twice would otherwise stand for billions.
	maxExpanded = 1 << 22
)

func tooDeep(offset int) *Refusal {
	return refuse(TooDeep, "graphs or types are nested more than %d deep at byte %d; no exporter writes that, so export the model again", maxDepth, offset)
}

func tooMany(what string, limit int) *Refusal {
	return refuse(TooLarge, "the model has more than %d %s; simplify or split it", limit, what)
}

func tooManySteps() *Refusal {
	return refuse(TooLarge, "the model has so many fields that are no weights that reading them took more than %d steps; simplify or split it", maxSteps)
}

func secondGraph(offset int) *Refusal {
	return refuse(NotONNX, "the file holds a second graph at byte %d, where a model has one; export it again", offset)
}

func tooMuchText() *Refusal {
	return refuse(TooLarge, "the model's names, documentation and metadata exceed %d MiB; take data out of its metadata", maxText>>20)
}
