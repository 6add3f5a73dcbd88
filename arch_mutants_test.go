package penstock_test

import (
	"slices"
	"strings"
	"testing"
)

// soundPackages is a small set that keeps every rule.
func soundPackages() []goPackage {
	return []goPackage{
		{path: ".", doc: "x", imports: []string{"fmt"}},
		{path: "inference", doc: "x", imports: []string{".", "internal/nearest", "time"}},
		{path: "internal/nearest", doc: "x"},
		{path: "inference/onnx", doc: "x", cgo: true, imports: []string{"inference", "github.com/yalue/onnxruntime_go"}},
		{path: "internal/cli", doc: "x", imports: []string{"inference", "inference/onnx", "github.com/alecthomas/kong"}},
		{path: "cmd/penstock", doc: "x", imports: []string{"internal/cli", "os"}},
	}
}

// A rule that cannot fail guards nothing: each mutant breaks one, and exactly
// that one must be told.
func TestArchitectureRulesCatchMutants(t *testing.T) {
	if got := theMap().violations(soundPackages()); len(got) != 0 {
		t.Fatalf("the sound packages break rules: %q", got)
	}
	importing := func(path string, imports ...string) func(*goPackage) bool {
		return func(p *goPackage) bool {
			p.imports = append(p.imports, imports...)
			return p.path == path
		}
	}
	for _, c := range []struct {
		name   string
		mutate func(*goPackage) bool // true: the package to replace
		add    *goPackage
		want   string
	}{
		{name: "an import that points up", mutate: importing("inference", "inference/onnx"), want: "inference imports inference/onnx: imports point down"},
		{name: "an import within a row", mutate: importing("inference", "drift"), want: "inference imports drift: imports point down"},
		{name: "a forbidden edge", add: &goPackage{path: "internal/config", doc: "x", imports: []string{"inference/onnx"}}, want: "internal/config imports inference/onnx: reading a config"},
		{name: "I/O in a pure package", mutate: importing("inference", "net/http"), want: "inference imports net/http: it works on bytes"},
		{name: "a process in a pure package", mutate: importing("inference", "os/exec"), want: "inference imports os/exec: it works on bytes"},
		{name: "a way around os", mutate: importing("inference", "syscall"), want: "inference imports syscall: it works on bytes"},
		{name: "chance in a pure package", add: &goPackage{path: "internal/rollout", doc: "x", imports: []string{"math/rand/v2"}}, want: "internal/rollout imports math/rand/v2: it is pure"},
		{name: "a clock in a pure package", add: &goPackage{path: "internal/rollout", doc: "x", imports: []string{"time"}}, want: "internal/rollout imports time: it is pure"},
		{name: "a module away from home", mutate: importing("inference", "github.com/yalue/onnxruntime_go"), want: `inference imports github.com/yalue/onnxruntime_go: only ["inference/onnx"] may`},
		{name: "a package of a module away from home", mutate: importing("internal/cli", "google.golang.org/protobuf/encoding/protowire"), want: "internal/cli imports google.golang.org/protobuf/encoding/protowire: only"},
		{name: "an unknown module", mutate: importing("internal/cli", "github.com/else/where"), want: "give the module a home"},
		{name: "the nouns import a module", mutate: importing(".", "golang.org/x/sys/unix"), want: ". imports golang.org/x/sys/unix: the nouns need the standard library only"},
		{name: "an unknown package", add: &goPackage{path: "internal/novel", doc: "x"}, want: "internal/novel is not on the map"},
		{name: "no doc comment", mutate: func(p *goPackage) bool { p.doc = ""; return p.path == "inference" }, want: "inference has no doc comment"},
		{name: "cgo elsewhere", mutate: func(p *goPackage) bool { p.cgo = true; return p.path == "inference" }, want: "inference uses cgo"},
		{name: "an init function", mutate: func(p *goPackage) bool { p.inits = []string{"a.go:3:1"}; return p.path == "inference" }, want: "inference: a.go:3:1: an init function"},
		{name: "a panic", mutate: func(p *goPackage) bool { p.panics = []string{"a.go:9:2"}; return p.path == "inference" }, want: "inference: a.go:9:2: return an error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			packages := soundPackages()
			for i, p := range packages {
				p.imports = slices.Clone(p.imports)
				if c.mutate != nil && c.mutate(&p) {
					packages[i] = p
				}
			}
			if c.add != nil {
				packages = append(packages, *c.add)
			}
			if got := theMap().violations(packages); len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("violations = %q, want one that says %q", got, c.want)
			}
		})
	}
}

func TestArchitectureRefusesNamesThatSayNothing(t *testing.T) {
	a := theMap()
	a.rows = append(a.rows, []string{"internal/util"})
	got := a.violations([]goPackage{{path: "internal/util", doc: "x"}})
	if len(got) != 1 || !strings.Contains(got[0], "a package called util") {
		t.Errorf("violations = %q", got)
	}
}

func TestArchitectureLimitsTheChain(t *testing.T) {
	a := theMap()
	a.chain = 4
	if got := a.violations(soundPackages()); len(got) != 0 {
		t.Errorf("a chain of four steps is within four: %q", got)
	}
	a.chain = 3
	const want = "cmd/penstock → internal/cli → inference/onnx → inference → "
	if got := a.violations(soundPackages()); len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("violations = %q, want one that says %q", got, want)
	}
}

// What only another system or a build without cgo compiles is held to the map,
// too.
func TestPackagesAreReadForEveryBuild(t *testing.T) {
	all := map[string]goPackage{}
	for _, p := range loadPackages(t) {
		all[p.path] = p
	}
	for _, want := range []string{"golang.org/x/sys/windows", "syscall"} { // Windows' lock, and Unix's
		if !slices.Contains(all["internal/filelock"].imports, want) {
			t.Errorf("internal/filelock imports %s, on one system, and the test sees only %q", want, all["internal/filelock"].imports)
		}
	}
	if onnx := all["inference/onnx"]; !onnx.cgo || slices.Contains(onnx.imports, "C") || !slices.Contains(onnx.imports, "inference") {
		t.Errorf("inference/onnx was read as %+v", onnx)
	}
	if root := all["."]; !strings.HasPrefix(root.doc, "Package penstock ") || slices.Contains(root.imports, "go/parser") {
		t.Errorf("the root was read as %+v", root)
	}
	for _, no := range []string{"bench", "testdata", "tools"} {
		if _, there := all[no]; there {
			t.Errorf("%s is no package of this module", no)
		}
	}
}

func TestSourceReaderSeesInitsPanicsAndCgo(t *testing.T) {
	var p goPackage
	p.readSource(t, "a.go", `package a

import "C"

func init() {}

type t struct{}

func (t) init() { panic("a method called init is none, but this panics") }

func f() {
	// Compile refuses every other kind.
	panic("explained")
}

func g() { panic("explained") } // never called
`)
	if !p.cgo || !slices.Equal(p.inits, []string{"a.go:5:1"}) || !slices.Equal(p.panics, []string{"a.go:9:19"}) {
		t.Errorf("read %+v", p)
	}
}
