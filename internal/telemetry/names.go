package telemetry

import (
	"github.com/penstock/penstock"
	"github.com/prometheus/client_golang/prometheus"
)

// The values of the label outcome.
const (
	outcomePredicted    = "predicted"
	outcomeDeadLettered = "dead_lettered"
	outcomeSkipped      = "skipped"
	outcomeCommitted    = "committed"
	outcomeAborted      = "aborted"

	outcomeLate      = "late"
	outcomeExpired   = "expired"
	outcomeLost      = "lost"
	outcomeDuplicate = "duplicate"
	outcomeOverlap   = "overlap"
)

// errorClasses are exposed from the start, also at 0: a rate needs the zero
// before the first one.
func errorClasses() []penstock.ErrorClass {
	return []penstock.ErrorClass{
		penstock.ClassDecode, penstock.ClassMissing, penstock.ClassType, penstock.ClassModel,
		penstock.ClassTimeout, penstock.ClassCrash, penstock.ClassTooLarge,
	}
}

// metrics holds the description of every metric: its name, what it says and
// its labels. Dashboards and alerts rely on them.
type metrics struct {
	events, deadLetters, expired                      *prometheus.Desc
	latency, inferenceDuration, batchRows             *prometheus.Desc
	decode, inference, publish, observe, commit, idle *prometheus.Desc
	commitDuration, commits                           *prometheus.Desc
	lag, assigned                                     *prometheus.Desc
	driftScore, driftAlarm, driftEvents               *prometheus.Desc
	modelInfo, modelLoaded                            *prometheus.Desc
	buildInfo                                         *prometheus.Desc
}

func newMetrics() *metrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("penstock_"+name, help, append([]string{"pipeline"}, labels...), nil)
	}
	return &metrics{
		events:      desc("events_total", "Events that are done with, by outcome: predicted, dead_lettered or skipped.", "outcome"),
		deadLetters: desc("dead_letters_total", "Events that became dead letters, by error class.", "class"),
		expired:     desc("expired_events_total", "Events that the source's retention removed before they were read."),

		latency:           desc("event_latency_seconds", "Time from a record's timestamp until its prediction is durable."),
		inferenceDuration: desc("inference_duration_seconds", "Duration of one run of the model.", "model", "version"),
		batchRows:         desc("batch_rows", "Rows of one run of the model.", "model"),

		decode:    desc("decode_seconds_total", "Time that workers spent turning events into rows."),
		inference: desc("inference_seconds_total", "Time that workers spent running the model."),
		publish:   desc("publish_seconds_total", "Time that workers spent encoding and handing over records."),
		observe:   desc("observe_seconds_total", "Time that workers spent on drift counts."),
		commit:    desc("commit_seconds_total", "Time that workers spent committing."),
		idle:      desc("idle_seconds_total", "Time that workers spent waiting for events."),

		commitDuration: desc("commit_duration_seconds", "Duration of one commit."),
		commits:        desc("commits_total", "Epochs that ended, by outcome: committed or aborted.", "outcome"),

		lag:      desc("lag_events", "Events that wait in a partition that this process reads.", "topic", "partition"),
		assigned: desc("assigned_partitions", "1 while this process reads the partition, 0 after it gave it away.", "topic", "partition"),

		driftScore:  desc("drift_score", "How far a feature is from the reference in the latest window, by statistic.", "model", "version", "feature", "statistic", "window"),
		driftAlarm:  desc("drift_alarm", "1 while a feature's drift in the latest window is significant and big enough by the statistic that decides, 0 otherwise.", "model", "version", "feature", "statistic", "window"),
		driftEvents: desc("drift_events_total", "Events that are not simply rows of their windows, counted where reports are made: late for a window; expired: for every window; lost: counted by nobody; duplicate: counted before, and skipped; overlap: perhaps counted twice.", "outcome"),

		buildInfo:   desc("build_info", "What runs: the versions of penstock, Go and ONNX Runtime; always 1.", "version", "goversion", "onnxruntime"),
		modelInfo:   desc("model_info", "Which model scores; always 1.", "model", "version", "digest", "variant"),
		modelLoaded: desc("model_loaded_timestamp_seconds", "When the model was loaded, in Unix time.", "model", "version", "digest", "variant"),
	}
}

func (m *metrics) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		m.events, m.deadLetters, m.expired,
		m.latency, m.inferenceDuration, m.batchRows,
		m.decode, m.inference, m.publish, m.observe, m.commit, m.idle,
		m.commitDuration, m.commits,
		m.lag, m.assigned,
		m.driftScore, m.driftAlarm, m.driftEvents,
		m.modelInfo, m.modelLoaded, m.buildInfo,
	}
}

// The upper bounds of the classic buckets, for those who do not scrape native
// ones. Each function gives a slice of its own.

func latencyBounds() []float64 {
	return []float64{
		.001, .002, .003, .005, .008, .01, .015, .02, .03, .05,
		.1, .2, .5, 1, 2, 5, 10, 30, 60,
	}
}

func inferenceBounds() []float64 {
	return []float64{
		1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, .001, .002, .005, .01, .02, .05,
		.1, .2, .5, 1, 2, 5, 10,
	}
}

func commitBounds() []float64 {
	return []float64{5e-4, .001, .002, .003, .005, .008, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30}
}

// rowBounds go to the largest batch.max_rows.
func rowBounds() []float64 { return prometheus.ExponentialBuckets(1, 2, 17) }
