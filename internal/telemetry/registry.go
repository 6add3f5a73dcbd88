package telemetry

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// BuildInfo says what runs.
type BuildInfo struct {
	Version     string // of penstock
	GoVersion   string
	ONNXRuntime string // of the library that was loaded
}

// Registry shows the pipelines of a process, and the process itself, to
// Prometheus.
type Registry struct {
	metrics  *metrics
	build    BuildInfo
	registry *prometheus.Registry

	mu        sync.Mutex // protects pipelines
	pipelines []*Pipeline
}

// NewRegistry returns a registry without pipelines.
func NewRegistry(build BuildInfo) *Registry {
	r := &Registry{metrics: newMetrics(), build: build, registry: prometheus.NewRegistry()}
	r.registry.MustRegister( // it refuses doubles only, and it is empty
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collector{r},
	)
	return r
}

// Add shows a pipeline from now on. Two of one name would be one and the same
// series.
func (r *Registry) Add(p *Pipeline) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.pipelines {
		if other.Name() == p.Name() {
			return fmt.Errorf("two pipelines are named %s: their metrics would mix; give one of them another name", p.Name())
		}
	}
	r.pipelines = append(r.pipelines, p)
	return nil
}

// Remove shows a pipeline no longer.
func (r *Registry) Remove(p *Pipeline) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pipelines = slices.DeleteFunc(r.pipelines, func(other *Pipeline) bool { return other == p })
}

// maxScrapes bounds the scrapes under way: each sums up all workers.
const maxScrapes = 8

// Handler serves the metrics in what format the scraper asks for: text,
// OpenMetrics, or protobuf, which alone carries native buckets.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: maxScrapes})
}

// collector is the registry as client_golang sees it, apart so that its methods
// are not the registry's.
type collector struct{ *Registry }

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range c.metrics.all() {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	pipelines := slices.Clone(c.pipelines)
	c.mu.Unlock()
	for _, p := range pipelines {
		c.metrics.collect(p, c.build, out)
	}
}

// collect gives one pipeline's metrics.
func (m *metrics) collect(p *Pipeline, build BuildInfo, out chan<- prometheus.Metric) {
	name, model := p.options.Name, p.options.Model
	workers, partitions := p.snapshot()
	s := newSums()
	for _, w := range workers {
		s.add(w)
	}
	// MustNewConstMetric panics when the labels are not as many as the
	// description's, which the tests scrape every one of.
	count := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, append([]string{name}, labels...)...)
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{name}, labels...)...)
	}
	count(m.events, float64(s.predicted), outcomePredicted)
	count(m.events, float64(s.deadLettered()), outcomeDeadLettered)
	count(m.events, float64(s.skipped), outcomeSkipped)
	for class, n := range s.deadLetters {
		count(m.deadLetters, float64(n), string(class))
	}
	count(m.expired, float64(p.expired.Load()))
	count(m.commits, float64(s.committed), outcomeCommitted)
	count(m.commits, float64(s.aborted), outcomeAborted)
	count(m.decode, s.decode)
	count(m.inference, s.inference)
	count(m.publish, s.publish)
	count(m.observe, s.observe)
	count(m.commit, s.commit)
	count(m.idle, s.idle)
	out <- newHistogramMetric(m.latency, s.latency.histogram(), name)
	out <- newHistogramMetric(m.inferenceDuration, &s.inferenceDuration, name, model.Name, model.Version)
	out <- newHistogramMetric(m.batchRows, &s.batchRows, name, model.Name)
	out <- newHistogramMetric(m.commitDuration, &s.commitDuration, name)
	for key, partition := range partitions {
		labels := []string{key.topic, strconv.Itoa(int(key.partition))}
		gauge(m.assigned, number(partition.assigned.Load()), labels...)
		if lag, known := partition.Lag(); known {
			gauge(m.lag, float64(lag), labels...)
		}
	}
	m.collectDrift(p, out)
	labels := []string{model.Name, model.Version, model.Digest, p.options.Variant}
	gauge(m.buildInfo, 1, build.Version, build.GoVersion, build.ONNXRuntime)
	gauge(m.modelInfo, 1, labels...)
	gauge(m.modelLoaded, float64(p.options.LoadedAt.UnixMilli())/1000, labels...)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
