package modelgate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// libraryVariable names the runtime's library, and libraryFolders are where
// else it and its own libraries are looked for.
const libraryVariable = "PENSTOCK_ONNXRUNTIME_LIB"

var libraryFolders = []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "PATH"}

// harmless are the other variables that the child gets: those that say where
// caches and temporary files are, those without which no Windows program runs,
// and those of Go's own tools. All others it has no use for, and passwords are
// among them.
var harmless = []string{
	"HOME", "XDG_CACHE_HOME", "TMPDIR",
	"USERPROFILE", "LOCALAPPDATA", "TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR",
	"GORACE", "GOCOVERDIR",
}

// isolate keeps from the child what a model has no business with: this
// process's variables and the files of its working directory. remove is to be
// called when the child has ended.
func isolate(cmd *exec.Cmd) (remove func(), err error) {
	if cmd.Err == nil {
		if cmd.Path, err = filepath.Abs(cmd.Path); err != nil {
			return nil, err
		}
	}
	if cmd.Env, err = environment(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "penstock-trial-")
	if err != nil {
		// Where nothing can be written, as in many containers, the root is as
		// far from the working directory as there is.
		cmd.Dir = string(filepath.Separator)
		return func() {}, nil
	}
	cmd.Dir = dir
	return func() { os.RemoveAll(dir) }, nil
}

// environment gives the child's variables. Paths in them are made absolute,
// since the child's working directory is another one.
func environment() (env []string, err error) {
	set := func(name string, rewrite func(string) (string, error)) {
		value, ok := os.LookupEnv(name)
		if !ok || err != nil {
			return
		}
		if value, err = rewrite(value); err == nil {
			env = append(env, name+"="+value)
		}
	}
	set(libraryVariable, absolute)
	for _, name := range libraryFolders {
		set(name, func(value string) (string, error) {
			folders := filepath.SplitList(value)
			for i := range folders {
				if folders[i], err = absolute(folders[i]); err != nil {
					return "", err
				}
			}
			return strings.Join(folders, string(filepath.ListSeparator)), nil
		})
	}
	for _, name := range harmless {
		set(name, func(value string) (string, error) { return value, nil })
	}
	return env, err
}

// absolute leaves "" as it is.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	return path, nil
}
