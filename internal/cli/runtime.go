package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/penstock/penstock/internal/runtimelib"
)

type runtimeCommand struct {
	Install runtimeInstallCommand `cmd:"" help:"Fetch ONNX Runtime's library into the user's cache where there is none."`
	Show    runtimeShowCommand    `cmd:"" help:"Say which library is used."`
}

// Help is the example that --help shows.
func (runtimeCommand) Help() string {
	return `Example:

    penstock runtime install
    penstock runtime show`
}

type runtimeInstallCommand struct{}

// Help is the example that --help shows.
func (runtimeInstallCommand) Help() string {
	return `It takes Microsoft's release archive, else the library out of the PyPI or the npm package, each with a pinned sha256.

Example:

    penstock runtime install`
}

// Run installs the library.
func (runtimeInstallCommand) Run(ctx context.Context, s *session) error {
	lib, err := runtimelib.Install(ctx, runtimelib.InstallOptions{Progress: s.Err})
	if err != nil {
		return err
	}
	printLibrary(s, lib)
	return nil
}

type runtimeShowCommand struct{}

// Help is the example that --help shows.
func (runtimeShowCommand) Help() string {
	return `The variable ` + runtimelib.EnvVar + ` comes first, then the user's cache, then the system's folders.

Example:

    penstock runtime show`
}

// Run shows the library.
func (runtimeShowCommand) Run(s *session) error {
	lib, err := runtimelib.Find()
	if err != nil {
		return err
	}
	printLibrary(s, lib)
	return nil
}

func printLibrary(s *session, lib runtimelib.Library) {
	fmt.Fprintf(s.Out, "path     %s\nversion  %s\nfrom     %s\n", lib.Path, cmp.Or(lib.Version, "unknown"), lib.Origin)
}
