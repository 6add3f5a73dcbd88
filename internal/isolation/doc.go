// Package isolation scores events in a child process, so that an event which
// kills the process (a crash within the runtime, memory without end) or hangs it
// for good kills the child alone and can be told from its neighbours.
//
// The two sides speak over the child's standard input and output:
//
//	parent: setup                           once
//	child:  ready, or why it cannot be      once
//	parent: a request: events               and again, until the input ends
//	child:  an answer for each of them, in order
//
// The child decodes, scores and encodes as a worker does, so that its records
// are the worker's, byte for byte.
package isolation
