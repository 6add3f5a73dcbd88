//go:build linux

package deployments

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const unitFile = "deployments/systemd/penstock@.service"

// service is a unit's directives: the last value of each, or all of those that
// add up.
type service map[string][]string

func readUnit(root string) (service, error) {
	f, err := os.Open(filepath.Join(root, unitFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	options, err := unit.DeserializeOptions(f)
	s := service{}
	for _, o := range options {
		s[o.Name] = append(s[o.Name], o.Value)
	}
	return s, err
}

func (s service) one(name string) string {
	if values := s[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

func TestUnit(t *testing.T) {
	holds(t, unitAgrees, []edit{
		{unitFile, "TimeoutStopSec=40s", "TimeoutStopSec=30s", "drain_timeout"},
		{unitFile, "RestartPreventExitStatus=2", "RestartPreventExitStatus=1", "exit code 2"},
		{unitFile, "Restart=on-failure", "Restart=no", "Restart"},
		{unitFile, "penstock run", "penstock run --keep", "--keep"},
		{unitFile, "KillMode=mixed", "KillMode=control-group", "KillMode"},
		{unitFile, "DynamicUser=yes", "User=root", "DynamicUser"},
		{unitFile, "CapabilityBoundingSet=\n", "CapabilityBoundingSet=CAP_SYS_ADMIN\n", "CapabilityBoundingSet"},
		{unitFile, "ProtectSystem=strict", "ProtectSystem=yes", "ProtectSystem"},
		{unitFile, "NoNewPrivileges", "NoNewPrivilege", "NoNewPrivileges"},
		{unitFile, "%C/penstock/%i", "%C/penstock", "CacheDirectory"},
	})
}

// unitAgrees holds the unit against the binary and its defaults.
func unitAgrees(root string) (f findings) {
	s, err := readUnit(root)
	if !f.must(unitFile, err) {
		return f
	}
	for name, want := range map[string]string{
		"KillMode": "mixed", "Restart": "on-failure", "DynamicUser": "yes", "StateDirectory": "penstock/%i",
		"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes",
		"CapabilityBoundingSet": "", "AmbientCapabilities": "", "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native",
	} {
		if got, ok := s[name]; !ok || s.one(name) != want {
			f.add("%s is %q and not %q", name, got, want)
		}
	}
	if want := "XDG_CACHE_HOME=%C/" + s.one("CacheDirectory"); !slices.Contains(s["Environment"], want) {
		f.add("Environment %q does not point at the CacheDirectory with %s", s["Environment"], want)
	}
	exitCodes(&f, strings.Fields(s.one("RestartPreventExitStatus")))
	l, err := newLayout()
	if !f.must("make a folder", err) {
		return f
	}
	defer l.remove()
	const at = "/etc/penstock"
	p, err := load(filepath.Join(root, "examples/card-fraud/pipeline.yaml"), nil)
	if !f.must("the example", err) {
		return f
	}
	f.must("lay it out", errors.Join(l.mount(filepath.Join(root, "examples/card-fraud"), at),
		l.mount(filepath.Join(root, "examples/card-fraud/pipeline.yaml"), at+"/%i.yaml")))
	l.comesFar(&f, strings.Fields(s.one("ExecStart"))[1:], nil, p)
	stop, err := time.ParseDuration(s.one("TimeoutStopSec"))
	if f.must("TimeoutStopSec", err) {
		longEnough(&f, "TimeoutStopSec", stop, p)
	}
	return f
}

// exitCodes holds what is not restarted against what the binary gives for a
// config that cannot be used.
func exitCodes(f *findings, final []string) {
	err := exec.Command(image().binary, "run", filepath.Join(repository, "go.mod")).Run()
	exit, ok := err.(*exec.ExitError)
	if !ok {
		f.add("run go.mod: %v", err)
		return
	}
	if code := strconv.Itoa(exit.ExitCode()); !slices.Equal(final, []string{code}) {
		f.add("exit code %s is of a config that cannot be used, and must not be restarted; RestartPreventExitStatus is %q", code, final)
	}
}

// TestUnitBySystemd asks systemd itself, where there is one.
func TestUnitBySystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("there is no systemd-analyze here: the unit was read by go-systemd alone")
		return
	}
	if image().err != nil {
		t.Fatal(image().err)
	}
	original, err := os.ReadFile(filepath.Join(repository, unitFile))
	if err != nil {
		t.Fatal(err)
	}
	// What it starts must be there.
	text := strings.ReplaceAll(string(original), "/usr/local/bin/penstock", image().binary)
	verify := func(text string) string {
		file := filepath.Join(t.TempDir(), filepath.Base(unitFile))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// What it only warns of it passes over when it runs the unit.
		out, err := exec.Command(analyze, "verify", file).CombinedOutput()
		if err != nil || strings.Contains(string(out), filepath.Base(file)) {
			return fmt.Sprintf("%s%v", out, err)
		}
		// 1.6 when this was written; 10 is no protection at all.
		if out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=20", file).CombinedOutput(); err != nil {
			return string(out) + err.Error()
		}
		return ""
	}
	if complaint := verify(text); complaint != "" {
		t.Error(complaint)
	}
	for old, now := range map[string]string{
		"KillMode=mixed": "KillMode=gently", "RestrictNamespaces=yes": "RestrictNamespaces=no",
		"SystemCallFilter=@system-service": "SystemCallFilter=@all-that-is",
	} {
		out := verify(strings.Replace(text, old, now, 1))
		if out == "" {
			t.Errorf("%s for %s: no complaint", now, old)
		}
	}
}

// TestUnitLetsItWork runs the binary under the unit's restrictions of memory and
// system calls, and shows that they are in force.
func TestUnitLetsItWork(t *testing.T) {
	i := image()
	if i.err != nil {
		t.Fatal(i.err)
	}
	s, err := readUnit(repository)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, err := (sandbox{DenyWriteExecute: true}).run(t); err != nil || !strings.Contains(out, "refused") {
		t.Fatalf("memory that is written and executed is not refused, which takes Linux 6.3: %v %s", err, out)
	}
	box := sandbox{
		Args:             []string{i.binary, "predict", "--quiet", "examples/card-fraud/pipeline.yaml", "examples/card-fraud/events.jsonl"},
		Env:              []string{libraryVariable + "=" + i.library},
		DenyWriteExecute: s.one("MemoryDenyWriteExecute") == "yes",
		Calls:            allowedCalls(t, s["SystemCallFilter"]),
	}
	for n, arg := range box.Args {
		if strings.HasPrefix(arg, "examples/") {
			if box.Args[n], err = filepath.Abs(filepath.Join(repository, arg)); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Without a cache the model is tried in a child process, which sets limits.
	if out, _, err := box.run(t); err != nil || strings.Count(out, `"score":`) != 200 {
		t.Errorf("%v, %d predictions\n%.2000s", err, strings.Count(out, `"score":`), out)
	}
	if box.Calls == nil {
		return
	}
	box.Calls = slices.DeleteFunc(box.Calls, func(call uint32) bool { return call == unix.SYS_OPENAT })
	if out, _, err := box.run(t); err == nil {
		t.Errorf("it opens files without openat:\n%.300s", out)
	}
}

// allowedCalls are the system calls that a unit's filter allows; nil where no
// systemd is there to tell what its groups hold.
func allowedCalls(t *testing.T, lines []string) []uint32 {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("there is no systemd-analyze here: the filter of system calls was not tried")
		return nil
	}
	names := map[string]bool{}
	for _, line := range lines {
		line, denied := strings.CutPrefix(line, "~")
		for word := range strings.FieldsSeq(line) {
			for _, name := range group(t, analyze, word) {
				names[name] = !denied
			}
		}
	}
	numbers := callNumbers(t)
	var allowed []uint32
	for name, yes := range names {
		if number, ok := numbers[name]; ok && yes {
			allowed = append(allowed, number)
		}
	}
	if len(allowed) < 100 {
		t.Fatalf("%d system calls are allowed only", len(allowed))
	}
	slices.Sort(allowed)
	return allowed
}

// group gives the calls of a group, and of those in it.
func group(t *testing.T, analyze, word string) []string {
	t.Helper()
	if !strings.HasPrefix(word, "@") {
		return []string{word}
	}
	out, err := exec.Command(analyze, "syscall-filter", word).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		inner := strings.TrimSpace(lines.Text())
		if inner == "" || inner == word || strings.HasPrefix(inner, "#") {
			continue
		}
		all = append(all, group(t, analyze, inner)...)
	}
	return all
}

// callNumbers reads the numbers of this machine's system calls where
// golang.org/x/sys keeps them.
func callNumbers(t *testing.T) map[string]uint32 {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "unix", "zsysnum_linux_"+runtime.GOARCH+".go"))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]uint32{}
	for _, m := range regexp.MustCompile(`SYS_(\w+)\s+= (\d+)`).FindAllSubmatch(source, -1) {
		number, err := strconv.ParseUint(string(m[2]), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		numbers[strings.ToLower(string(m[1]))] = uint32(number)
	}
	return numbers
}

// allow is a seccomp filter that gives EPERM for all other system calls, as
// SystemCallErrorNumber=EPERM does.
func allow(calls []uint32) ([]unix.SockFilter, error) {
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 4}}
	for _, call := range calls {
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: call, SkipTrue: 1},
			bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	}
	program = append(program, bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return filter, nil
}
