// Typecheck type-checks the packages of the module it is run in for other systems,
// without cgo, and with -test their tests, too: typecheck -test linux darwin. It
// finds what the compiler would in a fraction of the time, since nothing is compiled
// and of dependencies only the declarations are checked.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

func main() {
	tests := flag.Bool("test", false, "check tests, too")
	flag.Parse()
	if err := run(".", *tests, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run checks the module in dir for each system, side by side.
func run(dir string, tests bool, systems []string) error {
	errs := make([]error, len(systems))
	var all sync.WaitGroup
	for i, goos := range systems {
		all.Go(func() {
			if err := check(dir, goos, tests); err != nil {
				errs[i] = fmt.Errorf("%s:\n%w", goos, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// listed is what go list says of a package. ImportMap has the imports that mean
// another package than they say: vendored ones, and those built for a test.
type listed struct {
	ImportPath string
	Name       string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
	Module     *struct{ Main bool }
}

// check gives what is wrong with the module's packages on a system.
func check(dir, goos string, tests bool) error {
	packages, err := list(dir, goos, tests)
	if err != nil {
		return err
	}
	var errs []error
	checked := map[string]*types.Package{"unsafe": types.Unsafe}
	for _, p := range packages {
		own := p.Module != nil && p.Module.Main
		config := types.Config{
			Importer:         imports{checked, p.ImportMap},
			Sizes:            types.SizesFor("gc", runtime.GOARCH),
			IgnoreFuncBodies: !own,
			Error: func(err error) {
				if own {
					errs = append(errs, err)
				}
			},
		}
		files := token.NewFileSet()
		parsed, err := parse(files, &p)
		if err != nil {
			return err
		}
		path, _, _ := strings.Cut(p.ImportPath, " ") // the test that it is built for follows
		checked[p.ImportPath], _ = config.Check(path, files, parsed, nil)
	}
	return errors.Join(errs...)
}

// list gives the module's packages and all that they import, each package after
// its imports.
func list(dir, goos string, tests bool) ([]listed, error) {
	cmd := exec.Command("go", "list", "-deps", fmt.Sprintf("-test=%t", tests), "-json=ImportPath,Name,Dir,GoFiles,ImportMap,Module", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := decoder.Decode(&p)
		switch {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		}
		generated := p.Name == "main" && strings.HasSuffix(p.ImportPath, ".test")
		if p.ImportPath != "unsafe" && !generated {
			all = append(all, p)
		}
	}
}

func parse(files *token.FileSet, p *listed) ([]*ast.File, error) {
	var parsed []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, file)
	}
	return parsed, nil
}

// imports are those of one package.
type imports struct {
	checked map[string]*types.Package
	means   map[string]string
}

func (i imports) Import(path string) (*types.Package, error) {
	if meant, ok := i.means[path]; ok {
		path = meant
	}
	if p := i.checked[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("go list has no %s", path)
}
