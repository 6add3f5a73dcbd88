//go:build !unix

package modelgate

// openWithoutWaiting has no use where files are never named pipes.
const openWithoutWaiting = 0
