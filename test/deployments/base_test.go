//go:build linux

package deployments

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// TestDockerfile holds the Dockerfile to what no folder shows.
func TestDockerfile(t *testing.T) {
	holds(t, bases, []edit{
		{dockerfile, "cc-debian13", "cc-debian12", "one Debian"},
		{dockerfile, "cc-debian13:nonroot", "base-debian13:nonroot", "C++"},
		{dockerfile, "USER 65532:65532", "USER nonroot", "number"},
		{dockerfile, "USER 65532:65532", "USER 0", "root"},
		{dockerfile, "golang:1.26.8-trixie", "golang:trixie", "pinned"},
		{dockerfile, "golang:1.26.8", "golang:1.25.1", "go.mod wants"},
	})
}

func bases(root string) (f findings) {
	stages, err := parseDockerfile(filepath.Join(root, dockerfile))
	if !f.must(dockerfile, err) {
		return f
	}
	build, last := stages[0].BaseName, stages[len(stages)-1]
	debian := map[string]string{"bookworm": "12", "trixie": "13"}
	toolchain := regexp.MustCompile(`^golang:([0-9]+\.[0-9]+\.[0-9]+)-([a-z]+)$`).FindStringSubmatch(build)
	base := regexp.MustCompile(`^gcr\.io/distroless/([a-z]+)-debian([0-9]+):nonroot$`).FindStringSubmatch(last.BaseName)
	switch {
	case toolchain == nil:
		f.add("%s is not pinned to a version of Go and of Debian", build)
		return f
	case base == nil:
		f.add("%s is no distroless image of a Debian for a user without rights", last.BaseName)
		return f
	case debian[toolchain[2]] != base[2]:
		f.add("%s and %s are not of one Debian", build, last.BaseName)
	case base[1] != "cc":
		f.add("%s has no C++ library, which ONNX Runtime needs", last.BaseName)
	}
	module, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if !f.must("go.mod", err) {
		return f
	}
	if wants := regexp.MustCompile(`(?m)^go (.*)$`).FindSubmatch(module); newer(string(wants[1]), toolchain[1]) {
		f.add("%s is too old: go.mod wants %s", build, wants[1])
	}
	user := imageUser(&last)
	switch uid, _, _ := strings.Cut(user, ":"); {
	case uid == "" || strings.Trim(uid, "0123456789") != "":
		f.add("USER %q is no number, so that Kubernetes cannot tell it from root", user)
	case strings.Trim(uid, "0") == "":
		f.add("USER %s is root", user)
	}
	return f
}

// imageUser is the last USER of a stage.
func imageUser(s *instructions.Stage) (user string) {
	for _, command := range s.Commands {
		if c, ok := command.(*instructions.UserCommand); ok {
			user = c.User
		}
	}
	return user
}
