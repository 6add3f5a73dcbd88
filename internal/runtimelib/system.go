package runtimelib

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// names is how one operating system calls the library: before and after the
// version, which may be left out.
type names struct {
	plain          string // without version, for messages
	prefix, suffix string
}

func namesFor(goos string) names {
	switch goos {
	case "windows":
		return names{plain: "onnxruntime.dll", prefix: "onnxruntime", suffix: ".dll"}
	case "darwin":
		return names{plain: "libonnxruntime.dylib", prefix: "libonnxruntime", suffix: ".dylib"}
	default:
		return names{plain: "libonnxruntime.so", prefix: "libonnxruntime.so"}
	}
}

// versionText returns what a file's name says between prefix and suffix, and
// whether it is the library's name at all (libonnxruntime_providers_shared.so
// is not).
func (n names) versionText(file string) (string, bool) {
	middle, ok := strings.CutPrefix(file, n.prefix)
	if !ok {
		return "", false
	}
	if middle, ok = strings.CutSuffix(middle, n.suffix); !ok {
		return "", false
	}
	if middle == "" {
		return "", true
	}
	return strings.CutPrefix(middle, ".")
}

// systemDirs are the directories that the system's own loader would look at,
// but for those that depend on where one stands: the loader takes an empty
// entry for the working directory, which anyone may have put a library into.
// On Windows that is the program's alone: Windows ships an old onnxruntime.dll
// of its own in System32, which must not be picked up.
func systemDirs(goos, goarch string) []string {
	switch goos {
	case "windows":
		exe, err := os.Executable()
		if err != nil {
			return nil
		}
		return []string{filepath.Dir(exe)}
	case "darwin":
		return append(absoluteDirs(os.Getenv("DYLD_LIBRARY_PATH")), "/opt/homebrew/lib", "/usr/local/lib")
	}
	dirs := append(absoluteDirs(os.Getenv("LD_LIBRARY_PATH")), "/usr/local/lib", "/usr/local/lib64")
	switch goarch { // Debian's multiarch directories
	case "amd64":
		dirs = append(dirs, "/usr/lib/x86_64-linux-gnu")
	case "arm64":
		dirs = append(dirs, "/usr/lib/aarch64-linux-gnu")
	}
	return append(dirs, "/usr/lib64", "/usr/lib")
}

// absoluteDirs are the absolute ones of a list of directories.
func absoluteDirs(list string) []string {
	return slices.DeleteFunc(filepath.SplitList(list), func(dir string) bool { return !filepath.IsAbs(dir) })
}

// searchSystem returns the newest library of the first directory that has a
// usable one. A library whose name tells no version is taken when the
// directory has no better: loading it will tell. What is too old is named, so
// that the user learns why it was passed over.
func searchSystem(dirs []string, n names) (lib Library, tooOld []string, ok bool) {
	for _, dir := range dirs {
		var best version
		entries, _ := os.ReadDir(dir) // a directory that cannot be read holds nothing to load
		seen := map[string]bool{}
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			if !isLibrary(path, n) {
				continue
			}
			target, err := filepath.EvalSymlinks(path)
			if err != nil || seen[target] {
				continue
			}
			seen[target] = true // libonnxruntime.so and .so.1 are links to one file
			v, known := versionOfFile(path, n)
			switch {
			case known && v.tooOld():
				tooOld = append(tooOld, fmt.Sprintf("%s is too old: version %s", target, v))
			case !ok || v.compare(best) > 0:
				best, ok = v, true
				lib = Library{Path: path, Origin: FromSystem}
				if known {
					lib.Version = v.String()
				}
			}
		}
		if ok {
			return lib, nil, true
		}
	}
	return Library{}, tooOld, false
}

func isLibrary(path string, n names) bool {
	if _, named := n.versionText(filepath.Base(path)); !named {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// versionOfFile reads the version off the file's name, or off the name of the
// file that it is a link to.
func versionOfFile(path string, n names) (version, bool) {
	for _, p := range []string{path, resolved(path)} {
		if text, ok := n.versionText(filepath.Base(p)); ok {
			if v, ok := parseVersion(text); ok {
				return v, true
			}
		}
	}
	return version{}, false
}

func resolved(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
