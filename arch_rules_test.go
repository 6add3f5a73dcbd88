package penstock_test

import (
	"fmt"
	"slices"
	"strings"
)

// violations says in one line each what breaks the map and why it matters.
func (a architecture) violations(packages []goPackage) []string {
	var all []string
	for _, p := range packages {
		if a.row(p.path) < 0 {
			all = append(all, fmt.Sprintf("%s is not on the map: give it a row in docs/design.md and in arch_map_test.go", p.path))
		}
		all = append(all, a.ownRules(p)...)
		for _, to := range p.imports {
			all = append(all, a.edgeRules(p, to)...)
		}
	}
	if chain := longestChain(packages); len(chain)-1 > a.chain {
		all = append(all, fmt.Sprintf("the chain of imports %s has more than %d steps: a reader must go through all of them", strings.Join(chain, " → "), a.chain))
	}
	return all
}

// ownRules are those that a package keeps or breaks by itself.
func (a architecture) ownRules(p goPackage) []string {
	var all []string
	if p.doc == "" {
		all = append(all, p.path+" has no doc comment: say in its first lines what it is for")
	}
	if p.cgo && p.path != a.cgo {
		all = append(all, fmt.Sprintf("%s uses cgo: only %s may, so that all else builds with CGO_ENABLED=0", p.path, a.cgo))
	}
	for _, at := range p.inits {
		all = append(all, fmt.Sprintf("%s: %s: an init function runs before anyone can configure, test or refuse it: let the caller call it", p.path, at))
	}
	for _, at := range p.panics {
		all = append(all, fmt.Sprintf("%s: %s: return an error, or say in a comment why this can never be reached", p.path, at))
	}
	for name := range strings.SplitSeq(p.path, "/") {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "shared"}, name) {
			all = append(all, fmt.Sprintf("%s: a package called %s says nothing about what is in it: name it after what it provides", p.path, name))
		}
	}
	return all
}

// edgeRules are those about p importing to.
func (a architecture) edgeRules(p goPackage, to string) []string {
	var all []string
	for _, e := range a.forbidden {
		if e.from == p.path && matches(e.to, to) {
			all = append(all, fmt.Sprintf("%s imports %s: %s", p.path, to, e.why))
		}
	}
	if from, below := a.row(p.path), a.row(to); from >= 0 && below >= 0 && below <= from {
		all = append(all, fmt.Sprintf("%s imports %s: imports point down the map, and it does not stand below", p.path, to))
	}
	if !strings.Contains(strings.Split(to, "/")[0], ".") || to == "." {
		return all // the standard library, or a package of our own
	}
	if p.path == "." {
		return append(all, fmt.Sprintf("%s imports %s: the nouns need the standard library only, so that anyone can import them", p.path, to))
	}
	for module, homes := range a.homes {
		if !matches(module+"/...", to) {
			continue
		}
		if slices.Contains(homes, p.path) {
			return all
		}
		return append(all, fmt.Sprintf("%s imports %s: only %q may, so that it can be replaced in one place", p.path, to, homes))
	}
	return append(all, fmt.Sprintf("%s imports %s: give the module a home in arch_map_test.go, and a reason in docs/decisions", p.path, to))
}

// row is where a package stands on the map, -1 when it does not.
func (a architecture) row(p string) int {
	return slices.IndexFunc(a.rows, func(row []string) bool { return slices.Contains(row, p) })
}

// matches tells whether path is the pattern, or below it where that ends in
// "/...".
func matches(pattern, p string) bool {
	above, all := strings.CutSuffix(pattern, "/...")
	return p == above || all && strings.HasPrefix(p, above+"/")
}

// longestChain is the longest way along the imports between packages.
func longestChain(packages []goPackage) []string {
	imports := map[string][]string{}
	for _, p := range packages {
		imports[p.path] = p.imports
	}
	known := map[string][]string{}
	var from func(p string) []string
	from = func(p string) []string {
		if chain, ok := known[p]; ok {
			return chain
		}
		known[p] = []string{p} // a cycle, which Go does not allow, ends here
		var longest []string
		for _, to := range imports[p] {
			if _, own := imports[to]; own && len(from(to)) > len(longest) {
				longest = from(to)
			}
		}
		known[p] = append([]string{p}, longest...)
		return known[p]
	}
	var longest []string
	for _, p := range packages {
		if chain := from(p.path); len(chain) > len(longest) {
			longest = chain
		}
	}
	return longest
}
