package penstock_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const modulePath = "github.com/penstock/penstock"

// goPackage is what the rules need to know of one package. The paths of the
// module's own packages are without the module's: inference/onnx, "" the root.
type goPackage struct {
	path    string
	doc     string
	imports []string // of the package itself, not of its tests
	cgo     bool
	inits   []string // where it declares an init function
	panics  []string // where it panics without a comment that says why
}

func TestArchitecture(t *testing.T) {
	packages := loadPackages(t)
	if len(packages) < 3 {
		t.Fatalf("go list found %d packages only", len(packages))
	}
	for _, p := range theMap().violations(packages) {
		t.Error(p)
	}
}

// loadPackages asks go list, with cgo on whatever the environment says: a
// package that hides its C from a build without cgo must still be seen.
func loadPackages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-e", "-json=Dir,ImportPath,Doc,Imports,GoFiles,CgoFiles,IgnoredGoFiles", "./...")
	list.Env = append(os.Environ(), "CGO_ENABLED=1")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			Dir, ImportPath, Doc string
			Imports              []string
			GoFiles, CgoFiles    []string
			IgnoredGoFiles       []string // for other systems; their rules are the same
		}
		err := decoder.Decode(&listed)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		p := goPackage{path: ownPath(listed.ImportPath), doc: listed.Doc, cgo: len(listed.CgoFiles) > 0}
		for _, i := range listed.Imports {
			p.imports = append(p.imports, ownPath(i))
		}
		for _, files := range [][]string{listed.GoFiles, listed.CgoFiles, listed.IgnoredGoFiles} {
			for _, name := range files {
				if !strings.HasSuffix(name, "_test.go") {
					p.readSource(t, filepath.Join(listed.Dir, name), nil)
				}
			}
		}
		packages = append(packages, p)
	}
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
	for _, declared := range parsed.Imports {
		if declared.Path.Value == `"C"` {
			p.cgo = true
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
