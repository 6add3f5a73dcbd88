package cli

import (
	"fmt"
	"runtime"
)

// version is penstock's own; a build sets it to what git describes.
var version = "dev"

func versionLine() string {
	return fmt.Sprintf("penstock %s %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
