package penstock_test

import "slices"

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

// What a pure package may not import, whoever else may.
var (
	// outside are the ways to the machine. What imports them in turn, as
	// fmt does os, does nothing with it by itself.
	outside = []string{"os/...", "io/ioutil", "path/filepath", "syscall/...", "net/...", "log/...", "plugin"}
	chance  = []string{"math/rand/...", "crypto/rand"}
	clock   = []string{"time/..."}
)

// edges forbids every one of to.
func edges(from string, to []string, why string) []edge {
	all := make([]edge, len(to))
	for i := range to {
		all[i] = edge{from, to[i], why}
	}
	return all
}

// theMap is the package map of docs/design.md, with the rows that later work
// adds to it.
func theMap() architecture {
	return architecture{
		rows: [][]string{
			{"test/faults"},
			{"cmd/penstock"},
			{"internal/cli"},
			{"internal/pipeline", "internal/monitor", "internal/web", "internal/embedded", "internal/kafkatest", "internal/natstest"},
			{"consumer", "producer"},
			{"internal/broker"},
			{"internal/telemetry", "internal/driftfile", "internal/driftview"},
			{"internal/config", "internal/modelgate", "internal/eventfile", "internal/runtimelib", "internal/isolation"},
			{"internal/rollout", "internal/observe", "inference/onnx"},
			{"inference/onnxfile"},
			{"inference", "drift"},
			{"internal/nearest", "internal/cardevents", "internal/failpoint", "internal/childproc", "internal/filelock", "internal/brokertest", "examples"},
			{"."},
		},
		forbidden: slices.Concat([]edge{
			{"internal/config", "inference/onnx", "reading a config must work in a build without cgo and on a machine without the runtime"},
			{"internal/eventfile", "inference/onnx", "reading events has nothing to do with a runtime"},
			{"internal/runtimelib", "inference", "it finds a file; it must work where nothing else does"},
			{"internal/runtimelib", "inference/onnx", "it finds a file; whoever loads it takes its path"},
			{"internal/pipeline", "inference/onnx", "a pipeline is given an inference.Model, so that it can be tested without the runtime"},
			{"internal/pipeline", "internal/config", "a component declares its own Config, and config depends on it"},
			{"internal/rollout", "inference", "it names a variant; how that scores is not its business"},
		},
			edges("inference", outside, "it works on bytes that others read, and returns what went wrong"),
			edges("inference", chance, "the same events must give the same predictions"),
			edges("inference/onnxfile", outside, "it walks bytes that the gate read, so that what was checked is what is loaded"),
			edges("internal/nearest", outside, "it compares words"),
			edges("internal/driftview", outside, "it shows what it is given"),
			edges("internal/cardevents", outside, "the same seed must give the same events"),
			edges("internal/rollout", slices.Concat(outside, chance, clock), "it is pure: time and salt come as arguments"),
			edges("drift", slices.Concat(outside, chance), "it is pure"),
			edges("internal/observe", slices.Concat(outside, chance), "it is pure: the time comes with the events"),
			edges(".", slices.Concat(outside, chance), "the nouns do nothing"),
		),
		homes: map[string][]string{
			"github.com/yalue/onnxruntime_go":          {"inference/onnx"},
			"github.com/alecthomas/kong":               {"internal/cli"},
			"github.com/parquet-go/parquet-go":         {"internal/eventfile"},
			"go.yaml.in/yaml/v4":                       {"internal/config"},
			"gonum.org/v1/gonum":                       {"drift"},
			"github.com/invopop/jsonschema":            {"internal/config"},
			"google.golang.org/protobuf":               {"inference/onnxfile"},
			"golang.org/x/sys":                         {"internal/childproc", "internal/filelock", "inference/onnx", "internal/cli"},
			"golang.org/x/term":                        {"internal/cli"},
			"github.com/twmb/franz-go":                 {"internal/broker", "consumer", "producer", "internal/embedded", "internal/kafkatest", "internal/pipeline", "internal/monitor", "internal/cli"},
			"github.com/nats-io/nats.go":               {"internal/broker", "consumer", "producer", "internal/embedded", "internal/natstest", "internal/pipeline", "internal/monitor", "internal/cli"},
			"github.com/nats-io/nats-server/v2":        {"internal/embedded", "internal/natstest"},
			"github.com/nats-io/jwt/v2":                {"internal/natstest"},
			"github.com/nats-io/nuid":                  {"internal/broker"},
			"github.com/nats-io/nkeys":                 {"internal/broker", "internal/embedded", "internal/natstest"},
			"github.com/cenkalti/backoff/v5":           {"internal/pipeline", "internal/broker", "internal/monitor"},
			"github.com/cespare/xxhash/v2":             {"drift"},
			"github.com/prometheus/client_golang":      {"internal/telemetry", "internal/web"},
			"github.com/prometheus/client_model":       {"internal/telemetry"},
			"github.com/santhosh-tekuri/jsonschema/v6": {},
			"go.uber.org/goleak":                       {},
		},
		cgo:   "inference/onnx",
		chain: 7,
	}
}
