//go:build linux

package deployments

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/config"
)

// repository is where the files are that the tests read.
const repository = "../.."

// closing is how long a process takes after its drain: to leave the group, for
// the workers' sessions and for requests under way.
const closing = 10 * time.Second

func TestMain(m *testing.M) {
	if order := os.Getenv(sandboxVariable); order != "" {
		enterSandbox(order) // it does not return
	}
	code := m.Run()
	removeImage()
	os.Exit(code)
}

// findings are what a check has to complain about.
type findings []string

func (f *findings) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// must complains about an error of whatever was tried.
func (f *findings) must(what string, err error) bool {
	if err != nil {
		f.add("%s: %v", what, err)
	}
	return err == nil
}

// check reads the files below a copy of the repository.
type check func(root string) findings

// edit is a mistake that somebody may make in a file.
type edit struct{ file, old, now, want string }

// holds tells that the repository passes the check, and that each mistake is
// caught: a check that lets one pass is worth nothing.
func holds(t *testing.T, c check, mistakes []edit) {
	t.Helper()
	for _, finding := range c(repository) {
		t.Error(finding)
	}
	for _, m := range mistakes {
		root := t.TempDir()
		for _, dir := range []string{"deployments", "examples", "docs", "bench/results"} {
			if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join(repository, dir))); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(root, m.file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), m.old) {
			t.Errorf("%s has no %q to break", m.file, m.old)
			continue
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), m.old, m.now, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if found := c(root); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, m.want) }) {
			t.Errorf("%s with %q for %q: found %q, nothing with %q", m.file, m.now, m.old, []string(found), m.want)
		}
	}
}

// load reads a pipeline's file for run, with these variables and no others.
func load(path string, env map[string]string) (*config.Pipeline, error) {
	f, err := config.Load(path, config.Options{Purpose: config.ForRun, Lookup: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}})
	if err != nil {
		return nil, err
	}
	if lines := f.Render(nil); len(lines) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(lines, "\n"))
	}
	return &f.Pipeline, nil
}

// lint has the binary look at a pipeline's file, its model and its certificates.
func lint(f *findings, path string, env map[string]string) {
	cmd := exec.Command(image().binary, "lint", path)
	cmd.Env = append(os.Environ(), variables(env)...)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "warning:") {
		f.add("lint: %v\n%s", err, out)
	}
}

// variables are a container's, but for what is elsewhere on this machine.
func variables(env map[string]string) []string {
	all := []string{libraryVariable + "=" + image().library, "XDG_CACHE_HOME=" + filepath.Join(image().work, "cache")}
	for name, value := range env {
		if name != "XDG_CACHE_HOME" {
			all = append(all, name+"="+value)
		}
	}
	return all
}

// longEnough complains about a time to stop that a drain may exceed.
func longEnough(f *findings, what string, stop time.Duration, p *config.Pipeline) {
	if need := p.DrainTimeout + closing; stop < need {
		f.add("%s is %s, but drain_timeout is %s and closing takes up to %s", what, stop, p.DrainTimeout, closing)
	}
}

// allWork complains about workers that no filter is left for. How many partitions a
// topic has, no file here says.
func allWork(f *findings, p *config.Pipeline) {
	if filters := len(p.Source.Filters()); p.Broker.Kafka == nil && p.Workers > filters {
		f.add("%d workers, but only %d filters to read", p.Workers, filters)
	}
}
