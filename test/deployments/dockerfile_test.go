//go:build linux

package deployments

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// builder carries a Dockerfile out without a container engine: each stage is a
// plain folder, what RUN asks for is done with this machine's tools, and the
// base images stay empty. It knows the instructions that ours uses, and refuses
// any other.
type builder struct {
	context string // what COPY copies from
	ignored *patternmatcher.PatternMatcher
	work    string            // holds a folder for each stage
	args    map[string]string // of the command line
	stages  map[string]*stage
}

// stage is one as far as it has been built.
type stage struct {
	base       string
	root, dir  string // the folder, and WORKDIR in it
	env        []string
	user       string
	entrypoint []string
}

// parseDockerfile gives the stages of a Dockerfile.
func parseDockerfile(path string) ([]instructions.Stage, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		return nil, err
	}
	stages, meta, err := instructions.Parse(parsed.AST, nil)
	if len(meta) > 0 {
		return nil, fmt.Errorf("ARG before FROM is not known here")
	}
	return stages, err
}

// build gives the last stage.
func (b *builder) build(dockerfile string) (*stage, error) {
	stages, err := parseDockerfile(dockerfile)
	if err != nil {
		return nil, err
	}
	ignore, err := os.Open(dockerfile + ".dockerignore")
	if err != nil {
		return nil, err
	}
	defer ignore.Close()
	patterns, err := ignorefile.ReadAll(ignore)
	if err != nil {
		return nil, err
	}
	if b.ignored, err = patternmatcher.New(patterns); err != nil {
		return nil, err
	}
	b.stages = map[string]*stage{}
	var last *stage
	for i, parsed := range stages {
		last = &stage{base: parsed.BaseName, root: filepath.Join(b.work, fmt.Sprint(i)), dir: "/", user: "0"}
		if err := os.Mkdir(last.root, 0o755); err != nil {
			return nil, err
		}
		for _, command := range parsed.Commands {
			if err := b.do(last, command); err != nil {
				return nil, fmt.Errorf("%s: %w", command, err)
			}
		}
		b.stages[parsed.Name] = last
	}
	return last, nil
}

func (b *builder) do(s *stage, command instructions.Command) error {
	switch c := command.(type) {
	case *instructions.WorkdirCommand:
		s.dir = c.Path
		return os.MkdirAll(filepath.Join(s.root, s.dir), 0o755)
	case *instructions.ArgCommand:
		for _, arg := range c.Args {
			value, given := b.args[arg.Key]
			if !given {
				value = arg.ValueString()
			}
			s.env = append(s.env, arg.Key+"="+value)
		}
		return nil
	case *instructions.CopyCommand:
		return b.copy(s, c)
	case *instructions.RunCommand:
		return s.run(c)
	case *instructions.UserCommand:
		s.user = c.User
		return nil
	case *instructions.EntrypointCommand:
		s.entrypoint = c.CmdLine
		return nil
	case *instructions.CmdCommand:
		return nil
	}
	return fmt.Errorf("%s is not known here", command.Name())
}

// absolute finds a path from the root in a command. This machine's would be
// meant then, not the stage's.
var absolute = regexp.MustCompile(`(^|[\s"'=(>])/`)

func (s *stage) run(c *instructions.RunCommand) error {
	script := strings.Join(c.CmdLine, " ")
	if absolute.MatchString(script) {
		return fmt.Errorf("an absolute path cannot be told from one of this machine")
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = filepath.Join(s.root, s.dir)
	// What was downloaded before is what the cache mounts hold, and no more is.
	cmd.Env = append(append(os.Environ(), s.env...), "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// copy takes files from the context or another stage.
func (b *builder) copy(s *stage, c *instructions.CopyCommand) error {
	from := b.context
	if c.From != "" {
		other := b.stages[c.From]
		if other == nil {
			return fmt.Errorf("there is no stage %s among %v", c.From, slices.Sorted(maps.Keys(b.stages)))
		}
		from = other.root
	}
	to := c.DestPath
	if !filepath.IsAbs(to) {
		to = filepath.Join(s.dir, to)
	}
	for _, source := range c.SourcePaths {
		if err := b.tree(filepath.Join(from, source), filepath.Join(s.root, to), c.From == ""); err != nil {
			return err
		}
	}
	return nil
}

// tree copies a file into a folder, or all that is in a folder.
func (b *builder) tree(from, to string, ours bool) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ours && path != b.context {
			inContext, err := filepath.Rel(b.context, path)
			if err != nil {
				return err
			}
			ignored, err := b.ignored.MatchesOrParentMatches(inContext)
			switch {
			case err != nil:
				return err
			case ignored && entry.IsDir():
				return fs.SkipDir
			case ignored:
				return nil
			}
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if inside == "." && !entry.IsDir() {
			inside = filepath.Base(path)
		}
		return copyEntry(path, filepath.Join(to, inside))
	})
}

// copyEntry copies a folder without what is in it, or a file, with its mode.
func copyEntry(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		return os.MkdirAll(to, info.Mode().Perm())
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder", from)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, content, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chmod(to, info.Mode().Perm()) // whatever the umask is
}
