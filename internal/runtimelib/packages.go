package runtimelib

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pip fetches wheels. It is asked for another Python's wheel where need be: the
// library inside is the same for all of them, and nothing of it is run.
type pip struct {
	goos string
	out  progress
}

func (p pip) fetch(ctx context.Context, a artifact, scratch string) (string, error) {
	command, err := firstThatRuns(ctx, scratch, pipCommands(p.goos))
	if err != nil {
		return "", err
	}
	p.out.say("  through %s", strings.Join(command, " "))
	tag, err := parseWheelName(a.file.name)
	if err != nil {
		return "", err
	}
	args := []string{
		"download", "--no-deps", "--only-binary=:all:", "--dest", scratch,
		"--python-version", "3.13", "--implementation", "cp", "--abi", tag.abi, "--platform", tag.platform,
		"--disable-pip-version-check", "--no-input", "--quiet", "--timeout", "15", "--retries", "2",
		"onnxruntime==" + a.version,
	}
	if err := run(ctx, scratch, append(command, args...)); err != nil {
		return "", err
	}
	return filepath.Join(scratch, a.file.name), nil
}

// pipCommands are the ways to call pip, the likeliest to be the user's own
// Python first. -I keeps modules that merely lie about, in the working
// directory or in PYTHONPATH, from standing in for pip's; pip's own variables
// and files count all the same. A pip that only the user's site has, which -I
// does not see, is found by its script.
func pipCommands(goos string) [][]string {
	all := [][]string{{"python3", "-I", "-m", "pip"}, {"python", "-I", "-m", "pip"}, {"pip3"}, {"pip"}}
	if goos == "windows" {
		all = append([][]string{{"py", "-I", "-m", "pip"}}, all...)
	}
	return all
}

type wheelTag struct{ abi, platform string }

// parseWheelName splits onnxruntime-1.31.1-cp313-cp313-win_amd64.whl.
func parseWheelName(name string) (wheelTag, error) {
	parts := strings.Split(strings.TrimSuffix(name, ".whl"), "-")
	if len(parts) != 5 {
		return wheelTag{}, fmt.Errorf("%s is not a wheel's name", name)
	}
	return wheelTag{abi: parts[3], platform: parts[4]}, nil
}

// npmPack fetches npm packages without running any of their scripts.
type npmPack struct{ out progress }

func (p npmPack) fetch(ctx context.Context, a artifact, scratch string) (string, error) {
	command, err := firstThatRuns(ctx, scratch, [][]string{{"npm"}})
	if err != nil {
		return "", err
	}
	p.out.say("  through npm, which shows no progress")
	args := []string{
		"pack", "--loglevel=error", "--ignore-scripts", "--pack-destination", scratch,
		// npm waits for 5 minutes, thrice, if it is not told otherwise. The
		// timeout is for silence on the line, not for the whole transfer.
		"--fetch-timeout=30000", "--fetch-retries=1", "--fetch-retry-mintimeout=1000",
		"onnxruntime-node@" + a.version,
	}
	if err := run(ctx, scratch, append(command, args...)); err != nil {
		return "", err
	}
	return filepath.Join(scratch, a.file.name), nil
}

// firstThatRuns returns the first command that is there and answers when it is
// run in dir: a python3 without the pip module is there but does not.
func firstThatRuns(ctx context.Context, dir string, commands [][]string) ([]string, error) {
	var reasons []error
	for _, command := range commands {
		if _, err := exec.LookPath(command[0]); err != nil {
			reasons = append(reasons, fmt.Errorf("no %s", command[0]))
			continue
		}
		if err := run(ctx, dir, append(command[:len(command):len(command)], "--version")); err != nil {
			reasons = append(reasons, err)
			continue
		}
		return command, nil
	}
	return nil, oneLine(reasons)
}

func oneLine(reasons []error) error {
	texts := make([]string, len(reasons))
	for i, err := range reasons {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, ", "))
}

// run runs a command in dir and turns its failure into the line of its output
// that says why.
func run(ctx context.Context, dir string, command []string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = dir // not the user's directory, whose .npmrc or pip.py is not ours to obey
	c.WaitDelay = 5 * time.Second
	// A pip that is told to refuse work outside a virtual environment may
	// still download: nothing is installed.
	c.Env = append(os.Environ(), "PIP_REQUIRE_VIRTUALENV=0")
	output, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", command[0], context.Cause(ctx)) // and not that it was killed
	}
	if reason := reasonIn(string(output)); reason != "" {
		return fmt.Errorf("%s: %s (%w)", command[0], reason, err)
	}
	return fmt.Errorf("%s: %w", command[0], err)
}

// reasonIn returns npm's line with the error's code or, as pip has none, the
// last line.
func reasonIn(output string) string {
	var last string
	for line := range strings.Lines(strings.TrimSpace(output)) {
		last = strings.TrimSpace(line)
		if strings.HasPrefix(last, "npm error code ") {
			return last
		}
	}
	return last
}
