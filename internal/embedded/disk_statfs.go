//go:build linux || darwin || freebsd

package embedded

import "syscall"

// free is how many bytes the disk of dir has free, if that can be told.
func free(dir string) (bytes int64, ok bool) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, false
	}
	return int64(disk.Bavail) * int64(disk.Bsize), true
}
