// Package cli is the command line: one file a command, each of which reads the
// config, wires the packages that do the work, and runs them.
//
// Data goes to stdout, everything else to stderr. The exit codes are: 0 done,
// 1 it failed while running, 2 the usage, the config or the model is bad.
package cli
