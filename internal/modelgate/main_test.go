//go:build linux

package modelgate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test program be its own child: "child" and what it does.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		os.Exit(childProcess(os.Args[2]))
	}
	// Otherwise the race detector has every child sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// childProcess stands for the hidden command. Its behaviours are those that
// models and runtimes have.
func childProcess(behaviour string) int {
	if behaviour == "parent" {
		g := Gate{Child: []string{os.Args[0], "child", "spin"}, Limit: time.Minute}
		fmt.Println(g.Try(context.Background(), &Model{}, []byte(os.Args[3])))
		return 0
	}
	setup := func() error {
		switch behaviour {
		case "setup":
			return errors.New("there is no runtime library")
		case "slow twice":
			time.Sleep(1200 * time.Millisecond)
		case "no cores": // as far as the system lets it, there would be some
			var cores syscall.Rlimit
			if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &cores); err != nil {
				return err
			}
			cores.Cur = cores.Max
			return syscall.Setrlimit(syscall.RLIMIT_CORE, &cores)
		}
		return nil
	}
	return Child(setup, func(model, request []byte) error { return behave(behaviour, model, request) })
}

func behave(behaviour string, model, request []byte) error {
	name, number, _ := strings.Cut(behaviour, ":")
	n, _ := strconv.Atoi(number)
	switch name {
	case "pass":
	case "echo":
		if want := "a request"; string(request) != want {
			return fmt.Errorf("request %q", request)
		}
		for i, b := range model {
			if b != byte(i*7) {
				return fmt.Errorf("byte %d of the model is %d", i, b)
			}
		}
	case "log": // leaves a line in the file that the request names
		return appendLine(string(request), "tried")
	case "slow twice":
		time.Sleep(1200 * time.Millisecond)
	case "no cores":
		var cores syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &cores); err != nil {
			return err
		}
		if cores.Max > 0 {
			return fmt.Errorf("cores of %d bytes may be written", cores.Max)
		}
	case "surroundings": // fails with what the child can see
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		files, err := os.ReadDir(".")
		return errors.Join(err, fmt.Errorf("dir %s: %d files; %s", dir, len(files), strings.Join(os.Environ(), " ")))
	case "refuse":
		if n > 0 {
			return errors.New(strings.Repeat("n", n))
		}
		return errors.New("Node (x)\nhas input size 3")
	case "spin":
		if len(request) > 0 {
			if err := appendLine(string(request), strconv.Itoa(os.Getpid())); err != nil {
				return err
			}
		}
		for n := uint64(0); ; n++ {
			runtime.KeepAlive(n)
		}
	case "touch": // n MiB of Go memory
		b := make([]byte, n<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		fmt.Fprintln(os.Stderr, len(b))
	case "claim": // n MiB of writable memory that is never touched
		_, err := syscall.Mmap(-1, 0, n<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		return err
	case "reserve": // n MiB of address space, as allocators do
		_, err := syscall.Mmap(-1, 0, n<<20, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		return err
	case "share": // n MiB that RLIMIT_DATA does not count
		b, err := syscall.Mmap(-1, 0, n<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_SHARED)
		if err != nil {
			return err
		}
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		time.Sleep(time.Minute)
	case "bad_alloc":
		return errors.New("Exception during initialization: std::bad_alloc")
	case "signal":
		signal := syscall.Signal(n)
		if err := syscall.Kill(os.Getpid(), signal); err != nil {
			return err
		}
		time.Sleep(time.Minute)
	case "panic":
		panic("index out of range")
	case "exit":
		os.Exit(n)
	case "chatter": // more than is kept, and no end of line
		fmt.Print(strings.Repeat("x{\"Error\":\"\"}\n", 20_000), "the end")
		fmt.Fprint(os.Stderr, strings.Repeat("noise ", 100_000))
	case "chatter and crash":
		fmt.Fprint(os.Stderr, strings.Repeat("noise\n", 100_000), "the last word")
		os.Exit(9)
	case "forge": // an answer, but for the nonce
		fmt.Print("\n{\"Setup\":\"\",\"Error\":\"\",\"Peak\":1}\n")
		os.Exit(0)
	}
	return nil
}

func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, line)
	return err
}
