package runtimelib

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// version is a release of ONNX Runtime.
type version struct{ major, minor, patch int }

// oldest is the first release with the C API that penstock is built against
// (API 24); an older library refuses to hand it out.
var oldest = shortVersion{1, 24}

// shortVersion is a release without its patch level, as messages write it.
type shortVersion struct{ major, minor int }

func (v shortVersion) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

func (v version) tooOld() bool {
	return v.compare(version{oldest.major, oldest.minor, 0}) < 0
}

func (v version) compare(w version) int {
	return cmp.Or(cmp.Compare(v.major, w.major), cmp.Compare(v.minor, w.minor), cmp.Compare(v.patch, w.patch))
}

// parseVersion reads 1.31.1 or 1.31. A major version alone is not enough: it
// is what a soname carries and says nothing about the C API.
func parseVersion(s string) (version, bool) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return version{}, false
	}
	var numbers [3]int
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return version{}, false
		}
		numbers[i] = n
	}
	return version{numbers[0], numbers[1], numbers[2]}, true
}
