// Package inference turns an event's bytes into a prediction record: it
// compiles the mapping from event fields to model inputs into a flat plan,
// scans JSON straight into tensor rows, runs the model with one bad row never
// spoiling its neighbours, and writes the outputs as JSON.
//
// It declares what it needs of a runtime (Model, Runner) and knows none.
package inference
