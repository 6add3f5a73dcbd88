// Package deployments checks what people deploy, the files in deployments/ and
// what docs/operations.md says: it reads each with the library of whoever reads
// it in earnest, carries the Dockerfile out, and holds all of them against the
// binary and to each other.
package deployments
