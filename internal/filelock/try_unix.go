//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// try takes an exclusive lock that closing f gives back; false: another
// process, or another handle of this one, has it.
func try(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
