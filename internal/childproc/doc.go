// Package childproc has what running a part of this program in a child process
// takes, so that what kills or hangs it kills and hangs the child alone: the
// child's end with its parent, its limits, and how it ended.
package childproc
