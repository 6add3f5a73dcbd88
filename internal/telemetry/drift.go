package telemetry

import (
	"github.com/penstock/penstock/drift"
	"github.com/prometheus/client_golang/prometheus"
)

// WatchDrift has the latest reports shown: those of a process that publishes them,
// and none where another one does, so that a series comes from one place. It is
// called by scrapes, several at a time.
func (p *Pipeline) WatchDrift(reports func() []*drift.Report) { p.drift.Store(&reports) }

// DriftEvents counts what became of events that are not simply rows of their
// windows, while this process made the reports. It is that one goroutine's.
type DriftEvents struct{ Late, Expired, Lost, Duplicate, Overlap Counter }

// DriftEvents are the pipeline's, which only grow: they outlive who watches.
func (p *Pipeline) DriftEvents() *DriftEvents { return &p.driftEvents }

// collectDrift gives what the reports say of each feature, and what became of
// events that are in none.
func (m *metrics) collectDrift(p *Pipeline, out chan<- prometheus.Metric) {
	reports := p.drift.Load()
	if reports == nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	e := &p.driftEvents
	for outcome, n := range map[string]*Counter{
		outcomeLate: &e.Late, outcomeExpired: &e.Expired, outcomeLost: &e.Lost, outcomeDuplicate: &e.Duplicate, outcomeOverlap: &e.Overlap,
	} {
		out <- prometheus.MustNewConstMetric(m.driftEvents, prometheus.CounterValue, float64(n.Value()), p.options.Name, outcome)
	}
	for _, r := range (*reports)() {
		for i := range r.Features {
			f := &r.Features[i]
			gauge(m.driftAlarm, number(f.Alarm), p.options.Name, r.Model, r.Version, f.Name, alarming, r.Window)
			for _, s := range scores(f) {
				if s.value != nil {
					gauge(m.driftScore, *s.value, p.options.Name, r.Model, r.Version, f.Name, s.statistic, r.Window)
				}
			}
		}
	}
}

// alarming is the statistic whose distance from 0 an alarm takes, beside its
// significance.
const alarming = "js_lower"

type score struct {
	statistic string
	value     *float64
}

// scores are a feature's statistics under their names in the report.
func scores(f *drift.FeatureReport) []score {
	return []score{
		{"js", f.JS},
		{alarming, f.JSLower},
		{"psi", f.PSI},
		{"psi_corrected", f.PSICorrected},
		{"w1", f.W1},
		{"ks_lower", f.KSLower},
		{"ks_upper", f.KSUpper},
		{"hellinger", f.Hellinger},
		{"linf", f.Linf},
	}
}
