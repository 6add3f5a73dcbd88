package penstock_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/penstock/penstock"

// goPackage is what the rules need to know of one package. The paths of the
// module's own packages are without the module's: inference/onnx, "." the root.
type goPackage struct {
	path    string
	doc     string
	imports []string // of the package itself, not of its tests, in any build
	cgo     bool
	inits   []string // where it declares an init function
	panics  []string // where it panics without a comment that says why
}

func TestArchitecture(t *testing.T) {
	packages := loadPackages(t)
	if len(packages) < 3 {
		t.Fatalf("there are %d packages only", len(packages))
	}
	for _, p := range theMap().violations(packages) {
		t.Error(p)
	}
}

// loadPackages reads every Go file of the module, for whatever system and build
// it is: a stub without cgo and a lock for Windows keep the same rules.
func loadPackages(t *testing.T) []goPackage {
	t.Helper()
	found := map[string]*goPackage{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && isElsewhere(file):
			return fs.SkipDir
		case entry.IsDir() || !isSource(entry.Name()):
			return nil
		}
		path := filepath.ToSlash(filepath.Dir(file))
		if found[path] == nil {
			found[path] = &goPackage{path: path}
		}
		found[path].readSource(t, file, nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for _, path := range slices.Sorted(maps.Keys(found)) {
		p := *found[path]
		slices.Sort(p.imports)
		p.imports = slices.Compact(p.imports)
		packages = append(packages, p)
	}
	return packages
}

// isElsewhere tells of a directory that is no part of the module, as the go
// command sees it: test data, hidden ones, and modules of their own.
func isElsewhere(dir string) bool {
	name := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// isSource tells of a Go file that is neither a test nor ignored in every build.
func isSource(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") &&
		!strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// ownPath shortens the paths of the module's own packages, the root's to ".".
func ownPath(path string) string {
	if path == modulePath {
		return "."
	}
	return strings.TrimPrefix(path, modulePath+"/")
}

// readSource notes what only the source tells. src may stand in for the file.
func (p *goPackage) readSource(t *testing.T, file string, src any) {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	commented := map[int]bool{} // lines on which a comment ends
	for _, group := range parsed.Comments {
		commented[files.Position(group.End()).Line] = true
	}
	if p.doc == "" {
		p.doc = parsed.Doc.Text()
	}
	for _, declared := range parsed.Imports {
		switch path, err := strconv.Unquote(declared.Path.Value); {
		case err != nil:
			t.Fatal(err)
		case path == "C":
			p.cgo = true
		default:
			p.imports = append(p.imports, ownPath(path))
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				p.inits = append(p.inits, place(files, n))
			}
		case *ast.CallExpr:
			line := files.Position(n.Pos()).Line
			if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "panic" && !commented[line] && !commented[line-1] {
				p.panics = append(p.panics, place(files, n))
			}
		}
		return true
	})
}

func place(files *token.FileSet, n ast.Node) string {
	at := files.Position(n.Pos())
	at.Filename = filepath.Base(at.Filename)
	return at.String()
}
