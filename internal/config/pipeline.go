package config

import (
	"time"

	"github.com/penstock/penstock/inference"
)

// Pipeline is one file: a stream of events, the model that scores it, and
// where the predictions go. The tags give each key its name, default, range
// and meaning; only:"run" marks what scoring files (predict, test) never uses.
type Pipeline struct {
	Name     string `key:"name" doc:"Names the consumer group, the pipeline's own topics and its metrics: letters, digits, dots, underscores and dashes."`
	Instance string `key:"instance" only:"run" doc:"Stable name of this process among its peers, such as a StatefulSet's pod name. Empty: the host name. A second process on one host needs its own."`
	Broker   Broker `key:"broker" only:"run" doc:"Where events come from and predictions go: exactly one of kafka, nats and embedded."`
	Source   Source `key:"source" doc:"What is read."`
	Sink     Sink   `key:"sink" only:"run" doc:"Where predictions are published."`

	DeadLetter DeadLetter `key:"dead_letter" only:"run" doc:"Where events go that cannot be scored."`
	Delivery   string     `key:"delivery" only:"run" default:"exactly_once" enum:"exactly_once,at_least_once" doc:"What a crash may do to a prediction: nothing, or repeat it."`

	CommitInterval     time.Duration `key:"commit_interval" only:"run" default:"100ms" min:"1ms" doc:"Upper bound of the time between two commits; when nothing waits, it commits at once."`
	TransactionTimeout time.Duration `key:"transaction_timeout" only:"run" default:"10s" min:"1s" doc:"When the broker gives up a silent worker's transaction. Keep it above 4 times model.timeout."`
	Batch              Batch         `key:"batch" doc:"How many events are scored in one run of the model."`
	Workers            int           `key:"workers" default:"0" min:"0" max:"4096" doc:"Workers of this process; 0 is one a core."`
	DrainTimeout       time.Duration `key:"drain_timeout" only:"run" default:"25s" min:"0s" doc:"Longest time that a stopping process takes to finish and commit what it holds."`
	CreateTopics       bool          `key:"create_topics" only:"run" default:"false" doc:"Create the source's, the sink's and the dead letters' topics where they are missing. The pipeline's own are always created."`

	// Model is read from the file's model: part.
	Model inference.Config

	Drift         *Drift `key:"drift" doc:"Rolling drift statistics; without this key there are none, at no cost."`
	Listen        string `key:"listen" only:"run" default:"127.0.0.1:8080" doc:"HOST:PORT of the dashboard, API, health and metrics; empty is off. Beyond loopback it needs http.tls and http.keys_file."`
	MetricsListen string `key:"metrics_listen" only:"run" doc:"HOST:PORT of a second listener with /livez, /readyz and /metrics only, for probes and scrapers, anywhere; empty is off."`
	HTTP          HTTP   `key:"http" only:"run" doc:"Security of listen."`
}

// PredictionSubject is the template of the subjects that predictions go to on
// NATS, and the filter of all that it may become. It must have been checked.
func (p *Pipeline) PredictionSubject() (template, filter string) {
	template = p.Sink.Subject
	if template == "" {
		template = p.Name + ".predictions"
	}
	filter, err := publishedFilter(template)
	if err != nil {
		return template, ""
	}
	return template, filter
}

// document is the whole file. It is apart from Pipeline for one reason only:
// inference.Config is another package's and has no tags.
type document struct {
	Pipeline
	Model modelPart `key:"model" required:"true" example:"{path: fraud.onnx}" doc:"The model and how events become its inputs. predict, test, bench and drift need no other part."`
}

// Batch bounds one run of the model.
type Batch struct {
	MaxRows int           `key:"max_rows" default:"256" min:"1" max:"65536" doc:"Most events in one run."`
	MaxWait time.Duration `key:"max_wait" default:"0s" min:"0s" doc:"How long a batch that is not full waits for more events; worth it on GPUs only."`
}

// DeadLetter is where rejected events go.
type DeadLetter struct {
	Topic    string  `key:"topic" doc:"Default: the source topic with .dead after it, one a source topic."`
	MaxShare float64 `key:"max_share" default:"1" min:"0" max:"1" doc:"Above this share of a minute's events (at least 100) the pipeline stops with exit code 1."`
}

// HTTP secures the listener.
type HTTP struct {
	TLS      ServerTLS `key:"tls" doc:"Certificate and key of listen."`
	KeysFile Path      `key:"keys_file" doc:"File of the API keys that listen accepts."`
}

// ServerTLS is the certificate that a listener shows; both or none.
type ServerTLS struct {
	Cert Path `key:"cert" doc:"PEM file of the certificate chain."`
	Key  Path `key:"key" doc:"PEM file of its private key."`
}
