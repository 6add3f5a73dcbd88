package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk mounts one of 32 MiB. What fills it is a ballast, which leaves room
// for some batches, so that one is committed in part: all of it fits beside
// the stream, and then not into it.
func smallDisk(dir string) (disk, error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(notPermitted)
	}
	ballast := filepath.Join(dir, "ballast")
	leaves := func(room int64) func() error {
		return func() error { return leave(ballast, room) }
	}
	return disk{
		fill: leaves(7 << 20), frees: leaves(spare * 3 / 2), free: func() error { return os.Remove(ballast) },
		says: syscall.ENOSPC.Error(), batch: 20,
	}, nil
}

// leave makes a file of such a size that so much is left on its disk.
func leave(file string, room int64) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var now syscall.Statfs_t
	if err := syscall.Statfs(file, &now); err != nil {
		return err
	}
	more := int64(now.Bavail)*now.Bsize - room
	if more < 0 {
		return f.Truncate(info.Size() + more)
	}
	_, err = f.Write(make([]byte, more))
	return err
}

// notPermitted is the exit code of a child that must not mount.
const notPermitted = 77

// TestSmallDisk is TestFullDisk on a disk that is really full, where this
// machine lets one be mounted. The child has its own view of what is mounted,
// and so leaves nothing behind.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	attributes := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attributes.Cloneflags = syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err := onFullDisk(t, "small", attributes)
	ended, ok := errors.AsType[*exec.ExitError](err)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || ok && ended.ExitCode() == notPermitted {
		t.Log("nothing may be mounted here, so that TestFullDisk stands alone:", err)
		return
	}
	if err != nil {
		t.Error(err)
	}
}
