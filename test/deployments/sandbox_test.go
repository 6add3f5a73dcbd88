//go:build linux

package deployments

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sandbox runs a program as a container or a service would be run. The test's
// own binary is started once more in namespaces of its own, takes its rights
// away and becomes the program.
type sandbox struct {
	Root string   // of the file system, which is not to be written; "": the machine's
	User string   // UID or UID:GID; "": the caller's
	Args []string // none: say whether memory may be written and executed
	Env  []string

	DenyWriteExecute bool     // as systemd's MemoryDenyWriteExecute
	Calls            []uint32 // system calls that are allowed; nil: all
}

// sandboxVariable has this program become a sandbox.
const sandboxVariable = "PENSTOCK_TEST_SANDBOX"

// notPermitted is the exit code where namespaces are not allowed, as within
// many containers.
const notPermitted = 77

// run gives the program's output. Where namespaces are not allowed it is run in
// the machine's own, which shows less; the test's log says so, and confined is
// false.
func (s sandbox) run(t *testing.T) (out string, confined bool, err error) {
	t.Helper()
	order, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{sandboxVariable + "=" + string(order)}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if s.Root != "" {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
		if os.Getuid() != 0 {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
	}
	var data, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &data, &messages
	err = cmd.Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	if s.Root != "" && (errors.Is(err, syscall.EPERM) || ended && exit.ExitCode() == notPermitted) {
		t.Logf("no namespaces here (%v %s): running %s in the machine's own", err, messages.String(), s.Args[0])
		cmd = exec.Command(filepath.Join(s.Root, s.Args[0]), inRoot(s.Root, s.Args[1:])...)
		libraries, _ := filepath.Glob(filepath.Join(s.Root, libraryFolder, "libonnxruntime.so*"))
		cmd.Env = append(s.Env, libraryVariable+"="+libraries[0])
		text, err := cmd.CombinedOutput()
		return strings.ReplaceAll(string(text), s.Root, ""), false, err
	}
	return data.String() + messages.String(), true, err
}

// inRoot are the arguments as they are outside of the root.
func inRoot(root string, args []string) []string {
	var all []string
	for _, arg := range args {
		if filepath.IsAbs(arg) {
			arg = filepath.Join(root, arg)
		}
		all = append(all, arg)
	}
	return all
}

// enterSandbox is the other side of run.
func enterSandbox(order string) {
	runtime.LockOSThread() // filters are a thread's, until it becomes the program
	var s sandbox
	err := json.Unmarshal([]byte(order), &s)
	if err == nil && s.Root != "" {
		if err = s.mount(); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(notPermitted)
		}
	}
	if err == nil {
		err = s.restrict()
	}
	if err == nil && len(s.Args) == 0 {
		_, err = unix.Mmap(-1, 0, 4096, unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
		fmt.Println(map[bool]string{true: "allowed", false: "refused"}[err == nil])
		os.Exit(0)
	}
	if err == nil {
		err = syscall.Exec(s.Args[0], s.Args, s.Env)
	}
	fmt.Fprintln(os.Stderr, "sandbox:", err)
	os.Exit(1)
}

// mount makes root the root, with the kernel's file systems and a /tmp.
func (s *sandbox) mount() error {
	in := func(path string) string { return filepath.Join(s.Root, path) }
	for _, m := range []struct {
		from, to, kind string
		flags          uintptr
	}{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE},
		{s.Root, s.Root, "", syscall.MS_BIND},
		{"/proc", in("proc"), "", syscall.MS_BIND | syscall.MS_REC},
		{"/dev", in("dev"), "", syscall.MS_BIND | syscall.MS_REC},
		{"tmpfs", in("tmp"), "tmpfs", 0},
		{"", s.Root, "", syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY},
	} {
		if err := syscall.Mount(m.from, m.to, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.to, err)
		}
	}
	if err := os.Chmod(in("tmp"), 0o1777); err != nil {
		return err
	}
	if err := syscall.Chroot(s.Root); err != nil {
		return err
	}
	return os.Chdir("/")
}

// restrict takes rights away.
func (s *sandbox) restrict() error {
	if s.DenyWriteExecute {
		if err := unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); err != nil {
			return fmt.Errorf("deny memory that is written and executed: %w", err)
		}
	}
	// In a user namespace the caller's user is the only one that there is.
	if uid, gid, ok := s.ids(); ok && os.Getuid() == 0 && hasUsers() {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(gid), syscall.Setuid(uid)); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if s.Calls == nil {
		return nil
	}
	filter, err := allow(s.Calls)
	if err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

func (s *sandbox) ids() (uid, gid int, ok bool) {
	user, group, grouped := strings.Cut(s.User, ":")
	uid, err := strconv.Atoi(user)
	if gid = uid; grouped && err == nil {
		gid, err = strconv.Atoi(group)
	}
	return uid, gid, err == nil
}

// hasUsers tells whether other users than the caller exist here.
func hasUsers() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	fields := strings.Fields(string(text))
	return err == nil && len(fields) >= 3 && fields[2] != "1"
}
