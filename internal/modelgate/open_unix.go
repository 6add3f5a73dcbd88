//go:build unix

package modelgate

import "syscall"

// openWithoutWaiting keeps open from waiting for a named pipe's writer.
const openWithoutWaiting = syscall.O_NONBLOCK
