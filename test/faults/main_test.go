//go:build kafka || nats

package faults

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/penstock/penstock/internal/natstest"
)

var long = flag.Bool("long", false, "as many faults as are promised, which takes ten minutes a broker")

// suite is what all tests share: the binary, with failpoints, the brokers, and
// the process group of the children.
type suite struct {
	binary  string
	brokers []func() // close those that were started
	group   int
	life    io.Closer // the system closes it
	stages  atomic.Int64
}

var shared suite

func TestMain(m *testing.M) {
	natstest.Main()
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "penstock-faults-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = shared.open(dir)
		defer shared.close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func (s *suite) open(dir string) error {
	s.binary = filepath.Join(dir, "penstock")
	build := exec.Command("go", "build", "-tags", "failpoints", "-o", s.binary, "../../cmd/penstock")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build penstock: %w\n%s", err, out)
	}
	if out, err := exec.Command(s.binary, "runtime", "install").CombinedOutput(); err != nil {
		return fmt.Errorf("install the runtime: %w\n%s", err, out)
	}
	return s.watch()
}

// watch starts a process that kills its group, which all children join, once
// this process is gone: a test's time limit leaves no time to tidy up.
func (s *suite) watch() error {
	watch := exec.Command("/bin/sh", "-c", "read -r _; kill -9 0")
	watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if s.life, err = watch.StdinPipe(); err != nil {
		return err
	}
	if err := watch.Start(); err != nil {
		return fmt.Errorf("watch over the children: %w", err)
	}
	s.group = watch.Process.Pid
	return nil
}

func (s *suite) close() {
	for _, closeBroker := range s.brokers {
		closeBroker()
	}
}
