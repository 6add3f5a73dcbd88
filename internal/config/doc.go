// Package config reads a pipeline's file: YAML (so JSON too) into Go values,
// with every problem of the file found at once and placed at its line and
// column, and a near name suggested where one was misspelt.
//
// A file goes through five steps, each in a file of its own:
//
//	parse     YAML to a tree of nodes: aliases followed, merge keys folded in
//	set       --set path=value changes the tree
//	expand    ${VAR} in its scalars
//	decode    the tree to structs, by the structs' own tags
//	validate  what no single key can tell: the parts against each other
//
// The tags on the structs are the one place that knows a key's name, default,
// range and meaning; the decoder, the JSON Schema and the effective
// configuration are all made from them.
package config
