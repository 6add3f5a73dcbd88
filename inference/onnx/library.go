package onnx

/*
#cgo CFLAGS: -O2 -I${SRCDIR}/include
#cgo !windows LDFLAGS: -ldl
#include "ort.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

// library is ONNX Runtime as this process has loaded it. It is the process's
// and not a value that is handed around because the dynamic linker and
// onnxruntime_go keep exactly one, too.
var library struct {
	mu      sync.Mutex
	path    string
	version string
	api     *C.OrtApi // nil until loaded
}

// howToInstall ends every error about the library.
const howToInstall = `run "penstock runtime install", or set PENSTOCK_ONNXRUNTIME_LIB to the library's path`

// errNotLoaded says that Load has not been called.
var errNotLoaded = errors.New("ONNX Runtime is not loaded: " + howToInstall)

// Load loads ONNX Runtime's shared library, once a process: the same path again
// is fine, another one is an error. Nothing else in this package works before.
func Load(libraryPath string) error {
	library.mu.Lock()
	defer library.mu.Unlock()
	if libraryPath == "" { // to the linker that would be this program itself
		return fmt.Errorf("load ONNX Runtime: no library is named; %s", howToInstall)
	}
	path := filepath.Clean(libraryPath)
	if library.api != nil {
		if path != library.path {
			return fmt.Errorf("load ONNX Runtime: %s is loaded already, and a process can hold only one", library.path)
		}
		return nil
	}
	api, version, err := openLibrary(path)
	if err != nil {
		return fmt.Errorf("load ONNX Runtime: %w; %s", err, howToInstall)
	}
	// Read by the runtime when its environment is made: without it, it leaves a
	// device's identifier and a database in the user's cache.
	if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
	// It is the same library that this opens, so both sides share its state.
	ort.SetSharedLibraryPath(path)
	// What goes wrong comes back as an error; the runtime's own lines on
	// stderr, such as LightGBM's wrong label shape at every run, only repeat it.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
	if err := ort.DisableTelemetry(); err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
	library.path, library.version, library.api = path, version, api
	return nil
}

// Version is the loaded library's version, such as 1.31.1; "" before Load.
func Version() string {
	library.mu.Lock()
	defer library.mu.Unlock()
	return library.version
}

// openLibrary opens the library at path and takes the API that this package
// was compiled for out of it.
func openLibrary(path string) (*C.OrtApi, string, error) {
	cPath := C.CString(path)
	defer C.free(unsafe.Pointer(cPath))
	var base *C.OrtApiBase
	if message := C.ps_load(cPath, &base); message != nil {
		defer C.free(unsafe.Pointer(message))
		return nil, "", errors.New(C.GoString(message))
	}
	version := C.GoString(C.ps_version(base))
	// The version first: asked for an API that it does not have, the runtime
	// also complains on stderr.
	if !offersAPI(version, C.ORT_API_VERSION) {
		return nil, "", fmt.Errorf("%s is version %s, and 1.%d or newer is needed", path, version, C.ORT_API_VERSION)
	}
	api := C.ps_api(base)
	if api == nil {
		return nil, "", fmt.Errorf("%s, version %s, does not offer API %d", path, version, C.ORT_API_VERSION)
	}
	return api, version, nil
}

// offersAPI tells whether a version has the API, which is numbered by the
// minor version: 1.24.1 brought API 24. A version that it cannot read may.
func offersAPI(version string, api int) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	return major != "1" || err != nil || n >= api
}

// loaded gives the API of the loaded library.
func loaded() (*C.OrtApi, error) {
	library.mu.Lock()
	defer library.mu.Unlock()
	if library.api == nil {
		return nil, errNotLoaded
	}
	return library.api, nil
}

// statusError turns a status into an error of one line and releases it; nil
// stays nil.
func statusError(api *C.OrtApi, status *C.OrtStatus) error {
	if status == nil {
		return nil
	}
	message := C.ps_message(api, status)
	defer C.free(unsafe.Pointer(message))
	return errors.New(strings.Join(strings.Fields(C.GoString(message)), " "))
}
