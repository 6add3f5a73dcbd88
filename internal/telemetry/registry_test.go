package telemetry

import (
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// busy is a pipeline in which everything has happened.
func busy() *Pipeline {
	p := NewPipeline(PipelineOptions{
		Name:     "card-fraud",
		Model:    penstock.ModelIdentity{Name: "fraud", Version: "7", Digest: "sha256:9f2c"},
		Variant:  "champion",
		LoadedAt: time.UnixMilli(1_790_000_000_500),
	})
	a, b := p.NewWorker(), p.NewWorker()
	a.Predicted.Add(1000)
	b.Predicted.Add(24)
	a.Skipped.Add(3)
	b.DeadLettered(penstock.ClassMissing, 5)
	a.DeadLettered(penstock.ClassTooLarge, 1)
	a.Decode.Add(time.Second)
	b.Decode.Add(500 * time.Millisecond)
	a.Inference.Add(2 * time.Second)
	a.Publish.Add(3 * time.Second)
	a.Observe.Add(4 * time.Second)
	a.Commit.Add(5 * time.Second)
	a.Idle.n.Store(2 * int64(6*time.Second))
	a.Commits.Committed.Add(8)
	b.Commits.Aborted.Add(2)
	a.InferenceDuration.Observe(40e-6)
	b.InferenceDuration.Observe(0.5)
	a.BatchRows.Observe(256)
	b.CommitDuration.Observe(0.002)
	a.Latency.ObserveMillis(7, 1000)
	b.Latency.ObserveMillis(5000, 24)
	p.Partition("transactions", 0).SetAssigned(true)
	p.Partition("transactions", 0).SetLag(12)
	p.Partition("transactions", 1).SetAssigned(true)
	given := p.Partition("transactions", 2)
	given.SetAssigned(true)
	given.SetLag(9)
	given.SetAssigned(false)
	p.DriftEvents().Expired.Add(1000)
	p.DriftEvents().Late.Add(3)
	js, psi := 0.131, 0.21
	p.WatchDrift(func() []*drift.Report {
		return []*drift.Report{{Model: "fraud", Version: "7", Window: "1h", Features: []drift.FeatureReport{
			{Name: "amount", Status: drift.StatusOK, Alarm: true, JS: &js, PSI: &psi},
			{Name: "country", Status: drift.StatusInsufficient},
		}}}
	})
	return p
}

func scrape(t *testing.T, r *Registry, accept string) (body, contentType string) {
	t.Helper()
	request := httptest.NewRequest("GET", "/metrics", nil)
	request.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, request)
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String(), w.Header().Get("Content-Type")
}

// own are the lines of text that penstock itself has to answer for, comments
// aside.
func own(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "penstock_") && !strings.Contains(line, "_bucket{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestScrapeAsText(t *testing.T) {
	r := NewRegistry(BuildInfo{Version: "1.2.3", GoVersion: "go1.26", ONNXRuntime: "1.24.1"})
	if err := r.Add(busy()); err != nil {
		t.Fatal(err)
	}
	text, _ := scrape(t, r, "text/plain")
	want := strings.Fields(strings.ReplaceAll(`penstock_assigned_partitions{partition="0",pipeline="card-fraud",topic="transactions"}_1
penstock_assigned_partitions{partition="1",pipeline="card-fraud",topic="transactions"}_1
penstock_assigned_partitions{partition="2",pipeline="card-fraud",topic="transactions"}_0
penstock_batch_rows_count{model="fraud",pipeline="card-fraud"}_1
penstock_batch_rows_sum{model="fraud",pipeline="card-fraud"}_256
penstock_build_info{goversion="go1.26",onnxruntime="1.24.1",pipeline="card-fraud",version="1.2.3"}_1
penstock_commit_duration_seconds_count{pipeline="card-fraud"}_1
penstock_commit_duration_seconds_sum{pipeline="card-fraud"}_0.002
penstock_commit_seconds_total{pipeline="card-fraud"}_5
penstock_commits_total{outcome="aborted",pipeline="card-fraud"}_2
penstock_commits_total{outcome="committed",pipeline="card-fraud"}_8
penstock_dead_letters_total{class="crash",pipeline="card-fraud"}_0
penstock_dead_letters_total{class="decode",pipeline="card-fraud"}_0
penstock_dead_letters_total{class="missing",pipeline="card-fraud"}_5
penstock_dead_letters_total{class="model",pipeline="card-fraud"}_0
penstock_dead_letters_total{class="timeout",pipeline="card-fraud"}_0
penstock_dead_letters_total{class="too_large",pipeline="card-fraud"}_1
penstock_dead_letters_total{class="type",pipeline="card-fraud"}_0
penstock_decode_seconds_total{pipeline="card-fraud"}_1.5
penstock_drift_alarm{feature="amount",model="fraud",pipeline="card-fraud",statistic="js_lower",version="7",window="1h"}_1
penstock_drift_alarm{feature="country",model="fraud",pipeline="card-fraud",statistic="js_lower",version="7",window="1h"}_0
penstock_drift_events_total{outcome="duplicate",pipeline="card-fraud"}_0
penstock_drift_events_total{outcome="expired",pipeline="card-fraud"}_1000
penstock_drift_events_total{outcome="late",pipeline="card-fraud"}_3
penstock_drift_events_total{outcome="lost",pipeline="card-fraud"}_0
penstock_drift_events_total{outcome="overlap",pipeline="card-fraud"}_0
penstock_drift_score{feature="amount",model="fraud",pipeline="card-fraud",statistic="js",version="7",window="1h"}_0.131
penstock_drift_score{feature="amount",model="fraud",pipeline="card-fraud",statistic="psi",version="7",window="1h"}_0.21
penstock_event_latency_seconds_count{pipeline="card-fraud"}_1024
penstock_event_latency_seconds_sum{pipeline="card-fraud"}_127
penstock_events_total{outcome="dead_lettered",pipeline="card-fraud"}_6
penstock_events_total{outcome="predicted",pipeline="card-fraud"}_1024
penstock_events_total{outcome="skipped",pipeline="card-fraud"}_3
penstock_expired_events_total{pipeline="card-fraud"}_0
penstock_idle_seconds_total{pipeline="card-fraud"}_6
penstock_inference_duration_seconds_count{model="fraud",pipeline="card-fraud",version="7"}_2
penstock_inference_duration_seconds_sum{model="fraud",pipeline="card-fraud",version="7"}_0.50004
penstock_inference_seconds_total{pipeline="card-fraud"}_2
penstock_lag_events{partition="0",pipeline="card-fraud",topic="transactions"}_12
penstock_model_info{digest="sha256:9f2c",model="fraud",pipeline="card-fraud",variant="champion",version="7"}_1
penstock_model_loaded_timestamp_seconds{digest="sha256:9f2c",model="fraud",pipeline="card-fraud",variant="champion",version="7"}_1.7900000005e+09
penstock_observe_seconds_total{pipeline="card-fraud"}_4
penstock_publish_seconds_total{pipeline="card-fraud"}_3`, "}_", "}\x1f"))
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], "\x1f", " ")
	}
	got := own(text)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.Contains(text, "go_goroutines ") || !strings.Contains(text, "process_start_time_seconds ") {
		t.Error("the process itself is missing")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestScrapeAsProtobufHasNativeBuckets(t *testing.T) {
	r := NewRegistry(BuildInfo{})
	if err := r.Add(busy()); err != nil {
		t.Fatal(err)
	}
	body, contentType := scrape(t, r, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	if !strings.HasPrefix(contentType, "application/vnd.google.protobuf") {
		t.Fatalf("content type is %s", contentType)
	}
	decoder := expfmt.NewDecoder(strings.NewReader(body), expfmt.NewFormat(expfmt.TypeProtoDelim))
	found := map[string]*dto.Histogram{}
	for {
		var family dto.MetricFamily
		err := decoder.Decode(&family)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if family.GetType() == dto.MetricType_HISTOGRAM && strings.HasPrefix(family.GetName(), "penstock_") {
			found[family.GetName()] = family.Metric[0].Histogram
		}
	}
	if len(found) != 4 {
		t.Fatalf("there are %d histograms: %v", len(found), found)
	}
	var values []float64
	for range 1000 {
		values = append(values, 0.007)
	}
	for range 24 {
		values = append(values, 5)
	}
	same(t, found["penstock_event_latency_seconds"], reference(t, latencyBounds(), values))
	same(t, found["penstock_inference_duration_seconds"], reference(t, inferenceBounds(), []float64{40e-6, 0.5}))
	same(t, found["penstock_batch_rows"], reference(t, rowBounds(), []float64{256}))
	same(t, found["penstock_commit_duration_seconds"], reference(t, commitBounds(), []float64{0.002}))
}

func TestScrapeAsOpenMetrics(t *testing.T) {
	r := NewRegistry(BuildInfo{})
	if err := r.Add(busy()); err != nil {
		t.Fatal(err)
	}
	text, contentType := scrape(t, r, "application/openmetrics-text;version=1.0.0")
	if !strings.HasPrefix(contentType, "application/openmetrics-text") || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("not OpenMetrics: %s\n%s", contentType, text[max(0, len(text)-100):])
	}
}

func TestLagIsKnownWhileThePartitionIsOurs(t *testing.T) {
	p := NewPipeline(PipelineOptions{Name: "a"}).Partition("t", 0)
	check := func(when string, want int64, wantKnown bool) {
		t.Helper()
		if got, known := p.Lag(); known != wantKnown || known && got != want {
			t.Errorf("%s: %d %v, not %d %v", when, got, known, want, wantKnown)
		}
	}
	p.SetLag(3)
	check("before it is assigned", 0, false)
	p.SetAssigned(true)
	check("just assigned", 0, false)
	p.SetLag(0)
	check("nothing waits", 0, true)
	p.SetLag(-1) // a position ahead of an end that was asked for before
	check("less than nothing waits", 0, true)
	p.SetLag(7)
	check("seven wait", 7, true)
	p.SetAssigned(false)
	p.SetLag(8) // from somebody who does not know yet
	check("given away", 0, false)
	p.SetAssigned(true)
	check("back again", 0, false)
}

func TestPipelinesOfOneName(t *testing.T) {
	r := NewRegistry(BuildInfo{})
	first, second := NewPipeline(PipelineOptions{Name: "a"}), NewPipeline(PipelineOptions{Name: "b"})
	if err := r.Add(first); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(second); err != nil {
		t.Fatal(err)
	}
	err := r.Add(NewPipeline(PipelineOptions{Name: "a"}))
	if err == nil || !strings.Contains(err.Error(), "two pipelines are named a") {
		t.Errorf("error is %v", err)
	}
	r.Remove(first)
	text, _ := scrape(t, r, "")
	if strings.Contains(text, `pipeline="a"`) || !strings.Contains(text, `pipeline="b"`) {
		t.Errorf("after a was removed:\n%s", strings.Join(own(text), "\n"))
	}
	if err := r.Add(NewPipeline(PipelineOptions{Name: "a"})); err != nil {
		t.Errorf("its name is free again: %v", err)
	}
}

// TestScrapesWhileWorkersCount is for the race detector, and holds every scrape
// to adding up: the count of a histogram is that of its last bucket, and what
// has been counted never shrinks.
func TestScrapesWhileWorkersCount(t *testing.T) {
	r := NewRegistry(BuildInfo{})
	p := NewPipeline(PipelineOptions{Name: "a"})
	if err := r.Add(p); err != nil {
		t.Fatal(err)
	}
	const epochs, events = 200, 50
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			w, times := p.NewWorker(), make([]int64, events)
			for i := range int64(epochs) {
				w.Predicted.Add(events)
				w.Decode.Add(time.Microsecond)
				w.DeadLettered(penstock.ClassType, 1)
				w.BatchRows.Observe(events)
				w.InferenceDuration.Observe(1e-5)
				w.CommitDuration.Observe(1e-3)
				w.Commits.Committed.Add(1)
				w.Latency.ObserveSince(i, times)
				p.Partition("t", 0).SetLag(i)
				p.Partition("t", 0).SetAssigned(i%2 == 0)
			}
		})
	}
	done := make(chan struct{})
	go func() { workers.Wait(); close(done) }()
	before := 0.
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		text, _ := scrape(t, r, "text/plain")
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		h := families["penstock_event_latency_seconds"].Metric[0].Histogram
		if last := h.Bucket[len(h.Bucket)-1].GetCumulativeCount(); last != h.GetSampleCount() || last%events != 0 {
			t.Errorf("%d in all, %d in buckets", h.GetSampleCount(), last)
		}
		if now := float64(h.GetSampleCount()); now < before {
			t.Errorf("%v after %v", now, before)
		} else {
			before = now
		}
	}
	if want := 3. * epochs * events; before != want {
		t.Errorf("%v in the end, not %v", before, want)
	}
	if got := p.Totals(); got.Predicted != 3*epochs*events || got.DeadLettered != 3*epochs {
		t.Errorf("totals are %+v", got)
	}
}
