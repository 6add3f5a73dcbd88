// Package failpoint lets the fault suite stop, kill or break the program at
// named places: failpoints end the process between two steps, and mutants are
// deliberate mistakes that a sound suite must catch. Both exist in builds with
// the tag failpoints only; everywhere else they cost nothing.
package failpoint
