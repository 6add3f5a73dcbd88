//go:build cgo

package onnx

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
)

func TestLoadIsOnceAProcess(t *testing.T) {
	if err := Load(libraryPath()); err != nil {
		t.Errorf("the same library again: %v", err)
	}
	err := Load("/elsewhere/libonnxruntime.so")
	if err == nil || !strings.Contains(err.Error(), "is loaded already") {
		t.Errorf("another library: %v", err)
	}
	err = Load("")
	if err == nil || !strings.Contains(err.Error(), "no library is named") {
		t.Errorf("no library: %v", err)
	}
	if v := Version(); !strings.HasPrefix(v, "1.") || !offersAPI(v, 24) {
		t.Errorf("version %q", v)
	}
}

// TestLibraryThatWillNotDo opens what is no usable ONNX Runtime. One that is
// too old is made on the spot.
func TestLibraryThatWillNotDo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("builds a shared library as Unix compilers do")
	}
	text := filepath.Join(t.TempDir(), "notes.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"missing", filepath.Join(t.TempDir(), "none.so"), "none.so: cannot open"},
		{"not a library", text, "notes.so"},
		{"another library", buildLibrary(t, "int other(void) { return 0; }"), "OrtGetApiBase"},
		{"too old", buildLibrary(t, oldRuntime("1.20.1")), "is version 1.20.1, and 1.24 or newer is needed"},
		{"new and yet without the API", buildLibrary(t, oldRuntime("1.99.0")), "version 1.99.0, does not offer API 24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := openLibrary(c.path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}

// oldRuntime is C for a runtime of a version that has no API for anyone.
func oldRuntime(version string) string {
	return `
struct base { const void *(*api)(unsigned); const char *(*version)(void); };
static const void *api(unsigned v) { return 0; }
static const char *version(void) { return "` + version + `"; }
static const struct base base = {api, version};
const struct base *OrtGetApiBase(void) { return &base; }
`
}

func buildLibrary(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	c, so := filepath.Join(dir, "library.c"), filepath.Join(dir, "library.so")
	if err := os.WriteFile(c, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if out, err := exec.CommandContext(t.Context(), cc, "-shared", "-fPIC", "-o", so, c).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return so
}

func TestOffersAPI(t *testing.T) {
	for version, want := range map[string]bool{
		"1.31.1": true, "1.24.0": true, "1.23.9": false, "1.9.0": false, "2.0.0": true, "1.24.0-rc1": true, "dev": true,
	} {
		if got := offersAPI(version, 24); got != want {
			t.Errorf("offersAPI(%q, 24) = %v", version, got)
		}
	}
}

// TestCUDAIsNeverReplacedByCPU asks for a GPU. A library without CUDA must say
// what to do; one with CUDA either opens the model or says what is wrong.
func TestCUDAIsNeverReplacedByCPU(t *testing.T) {
	for _, d := range []string{"cuda", "cuda:7"} {
		m, err := Open(readModel(t, sharedModels+"/mlp_static/model.onnx"), Options{Device: d})
		if err != nil {
			full := map[string]string{"cuda": "cuda:0", "cuda:7": "cuda:7"}[d]
			if !strings.Contains(err.Error(), "device "+full+": ") {
				t.Errorf("%s: %v", d, err)
			}
			continue
		}
		on, all, err := assigned(m.api, m.handle, cudaProvider)
		if err != nil || on == 0 {
			t.Errorf("%s opened with %d of %d nodes on the GPU, %v", d, on, all, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAssignmentIsCounted does on the CPU what addCUDA and checkAssignment do
// on a GPU: it records who runs which node, and refuses when CUDA runs none.
func TestAssignmentIsCounted(t *testing.T) {
	options, err := sessionOptions(Options{}, device{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = options.Destroy() }()
	if err := options.AddSessionConfigEntry("session.record_ep_graph_assignment_info", "1"); err != nil {
		t.Fatal(err)
	}
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(readModel(t, sharedModels+"/mlp_static/model.onnx"), nil, nil, options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Destroy() }()
	api, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	handle, err := sessionHandle(session)
	if err != nil {
		t.Fatal(err)
	}
	on, all, err := assigned(api, handle, "CPUExecutionProvider")
	if err != nil || on == 0 || on != all {
		t.Errorf("%d of %d nodes on the CPU, %v; want all", on, all, err)
	}
	err = checkAssignment(api, handle, device{cuda: true})
	if err == nil || !strings.Contains(err.Error(), "none of the model's") {
		t.Errorf("a model without a node on the GPU: %v", err)
	}
}
