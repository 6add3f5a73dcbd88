package penstock_test

// architecture is what the imports are held to.
type architecture struct {
	// rows are the packages from top to bottom. A package may import what
	// stands below its row, and nothing in it or above.
	rows [][]string
	// forbidden are edges that point down and are wrong all the same.
	forbidden []edge
	// homes are the only packages that may import a module of others; tests
	// may import any.
	homes map[string][]string
	cgo   string // the one package that may use cgo
	chain int    // the longest chain of imports, in edges
}

// edge is an import that must not be. A to that ends in /... stands for that
// package and all below it.
type edge struct {
	from, to string
	why      string
}

// theMap is the package map of docs/design.md, with the rows that later work
// adds to it.
func theMap() architecture {
	return architecture{
		rows: [][]string{
			{"cmd/penstock"},
			{"internal/cli"},
			{"internal/pipeline", "internal/monitor", "internal/web", "internal/embedded"},
			{"consumer", "producer"},
			{"internal/broker"},
			{"internal/telemetry"},
			{"internal/config", "internal/modelgate", "internal/eventfile", "internal/runtimelib"},
			{"internal/rollout", "inference/onnx"},
			{"inference/onnxfile"},
			{"inference", "drift"},
			{"internal/nearest"},
			{"."},
		},
		forbidden: []edge{
			{"internal/config", "inference/onnx", "reading a config must work in a build without cgo and on a machine without the runtime"},
			{"internal/eventfile", "inference/onnx", "reading events has nothing to do with a runtime"},
			{"internal/runtimelib", "inference", "it finds a file; it must work where nothing else does"},
			{"internal/runtimelib", "inference/onnx", "it finds a file; whoever loads it takes its path"},
			{"internal/pipeline", "inference/onnx", "a pipeline is given an inference.Model, so that it can be tested without the runtime"},
			{"internal/pipeline", "internal/config", "a component declares its own Config, and config depends on it"},
			{"internal/rollout", "inference", "it names a variant; how that scores is not its business"},

			{"inference", "os", "it works on bytes that others read"},
			{"inference", "net/...", "it works on bytes that others read"},
			{"inference", "log/slog", "it returns what went wrong, and its caller logs"},
			{"inference/onnxfile", "os", "it walks bytes that the gate read, so that what was checked is what is loaded"},
			{"internal/rollout", "os", "it is pure"},
			{"internal/rollout", "net/...", "it is pure"},
			{"internal/rollout", "time", "it is pure: time comes as an argument"},
			{"drift", "os", "it is pure"},
			{"drift", "net/...", "it is pure"},

			{".", "os", "the nouns do nothing"},
			{".", "net/...", "the nouns do nothing"},
		},
		homes: map[string][]string{
			"github.com/yalue/onnxruntime_go":          {"inference/onnx"},
			"github.com/alecthomas/kong":               {"internal/cli"},
			"github.com/parquet-go/parquet-go":         {"internal/eventfile"},
			"go.yaml.in/yaml/v4":                       {"internal/config"},
			"github.com/invopop/jsonschema":            {"internal/config"},
			"google.golang.org/protobuf":               {"inference/onnxfile"},
			"golang.org/x/sys":                         {"internal/modelgate", "internal/runtimelib", "inference/onnx", "internal/cli"},
			"golang.org/x/term":                        {"internal/cli"},
			"github.com/santhosh-tekuri/jsonschema/v6": {},
			"go.uber.org/goleak":                       {},
		},
		cgo:   "inference/onnx",
		chain: 6,
	}
}
