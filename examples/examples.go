// Package examples holds the examples that this folder has as files, for the
// program to bring along: `penstock demo` needs nothing beside the binary.
package examples

import "embed"

// CardFraud is the pipeline of card-fraud with the files that it names; its
// events are not among them.
//
//go:embed card-fraud/pipeline.yaml card-fraud/fraud.onnx card-fraud/golden.jsonl card-fraud/reference.json
var CardFraud embed.FS
