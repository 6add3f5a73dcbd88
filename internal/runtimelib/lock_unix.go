//go:build unix

package runtimelib

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes an exclusive lock that closing f gives back; false: another
// process, or another handle of this one, has it.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
