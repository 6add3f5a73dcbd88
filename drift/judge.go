package drift

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Judge puts statistics and verdicts to closed windows of one reference. It is
// deterministic, and its state is that of the alarms: which are on, and the last
// windows' verdicts.
//
// A feature of a window alarms when it differs from the reference significantly
// (its q-value is at most what the budget of false alarms leaves for one closing
// of that window) and by enough (the lower bound of its Jensen-Shannon distance
// exceeds the effect). A window alarms when any feature does.
type Judge struct {
	config    JudgeConfig
	reference *Reference
	features  []judged
	windows   []windowLevel
	alarms    alarms
}

// judged is one field of the schema.
type judged struct {
	FieldSchema
	reference  *ReferenceField // nil: none yet
	cells      []int64         // of the reference
	rows       int64           // in them
	variations []variation     // one a window; nil where the reference does not tell
}

// windowLevel is what one closing of a window may spend of the budget.
type windowLevel struct {
	name  string
	alpha float64
}

// NewJudge calibrates one with the reference's held-out blocks. The schema says
// what a closed window's fields are; those that the reference lacks, all where it
// is nil, are "collecting".
func NewJudge(s *Schema, ref *Reference, c JudgeConfig) *Judge {
	j := &Judge{config: c, reference: ref, alarms: newAlarms(c.Windows)}
	for _, w := range c.Windows {
		j.windows = append(j.windows, windowLevel{w.Name, c.level(w)})
	}
	for _, field := range s.Fields {
		f := judged{FieldSchema: field}
		if ref != nil {
			f.reference = ref.Field(field.Name)
		}
		if f.reference != nil {
			f.cells = f.reference.Cells(&f.reference.Counts, nil)
			f.rows = rowsOf(f.cells)
			f.calibrate(ref, c.Windows)
		}
		j.features = append(j.features, f)
	}
	return j
}

// calibrate measures the variation for each window, unless the reference as a
// whole may not be trusted.
func (f *judged) calibrate(ref *Reference, windows []WindowSpec) {
	if ref.Incomplete != "" {
		return
	}
	for _, w := range windows {
		v, ok := ref.variation(f.reference, w.length())
		if !ok {
			f.variations = nil
			return
		}
		f.variations = append(f.variations, v)
	}
}

// Judge gives the report of a closed window (everything but pipeline, model,
// version), remembers what it needs for hysteresis, and tells the alarms that
// begin or end with this window.
func (j *Judge) Judge(c *Closed) (*Report, []AlarmEvent) {
	window := slices.IndexFunc(j.windows, func(w windowLevel) bool { return w.name == c.Window.Name })
	r := &Report{
		Window: c.Window.Name, Start: instant(c.Span.Start), End: instant(c.Span.End), Revision: c.Revision,
		Rows: c.Rows, Late: c.Late, Future: c.Future, Complete: c.Complete,
		Features: make([]FeatureReport, len(j.features)),
	}
	if j.reference != nil {
		r.Reference = ReportReference{Digest: j.reference.Digest(), Rows: j.reference.Rows}
	}
	var tested []int
	var p []float64
	for i := range j.features {
		var counts Counts // a window without rows has none
		if i < len(c.Fields) {
			counts = c.Fields[i]
		}
		r.Features[i] = j.features[i].report(&counts, window, j.config.MinRows)
		if r.Features[i].P != nil {
			tested, p = append(tested, i), append(p, *r.Features[i].P)
		}
	}
	if len(tested) == 0 {
		return r, nil
	}
	for k, q := range adjust(p) {
		f := &r.Features[tested[k]]
		f.Q = &q
		f.Alarm = q <= j.windows[window].alpha && f.JSLower != nil && *f.JSLower > j.config.Effect
		r.Alarm = r.Alarm || f.Alarm
	}
	return r, j.conclude(r, c)
}

// conclude fills in what a report says about its alarm, and gives the alarms that
// begin or end with it.
func (j *Judge) conclude(r *Report, c *Closed) []AlarmEvent {
	v := verdict{Start: c.Span.Start, End: c.Span.End, Revision: c.Revision, Alarm: r.Alarm}
	since, taken := j.alarms.put(r.Window, v)
	if r.Alarm {
		r.Contributors = contributors(r.Features)
		r.Severity = severity(largestEffect(r.Features))
		r.Since = new(instant(since))
	}
	if !taken {
		return nil
	}
	return j.alarms.events(r, v)
}

// report compares one field's counts with the reference.
func (f *judged) report(c *Counts, window int, minRows int64) FeatureReport {
	r := FeatureReport{Name: f.Name, Role: f.Role, Kind: f.Kind, Rows: c.Rows, TypeErrors: c.TypeErrors, Status: StatusOK}
	if c.Rows > 0 {
		r.Missing = float64(c.Missing) / float64(c.Rows)
		r.NonFinite = float64(c.NaN+c.PosInf+c.NegInf) / float64(c.Rows)
	}
	if c.Distinct != nil {
		r.Distinct = new(min(c.Distinct.Estimate(), c.Named()))
	}
	switch {
	case f.reference == nil:
		r.Status = StatusCollecting
	case min(c.Rows, f.rows) < max(1, minRows):
		r.Status = StatusInsufficient
	case f.variations == nil:
		r.Status = StatusIncomplete
	default:
		f.compare(&r, c, f.variations[window], effectiveRows(c.Rows, f.rows))
	}
	return r
}

// compare fills in the statistics, those that are defined.
func (f *judged) compare(r *FeatureReport, c *Counts, v variation, rows float64) {
	cells := f.reference.Cells(c, make([]int64, 0, len(f.cells)))
	s := f.reference.compare(c, f.cells, cells, v.dispersion(rows))
	r.JS, r.JSLower = defined(s.JS), defined(s.JSLower)
	r.PSI, r.PSICorrected = defined(s.PSI), defined(s.PSICorrected)
	r.W1, r.KSLower, r.KSUpper = defined(s.W1), defined(s.KSLower), defined(s.KSUpper)
	r.Hellinger, r.Linf = defined(s.Hellinger), defined(s.Linf)
	statistic, df := likelihoodRatio(cells, f.cells)
	r.P = defined(v.tail(statistic, df, rows))
}

// defined is nil where the statistic is not.
func defined(statistic float64) *float64 {
	if math.IsNaN(statistic) || math.IsInf(statistic, 0) {
		return nil
	}
	return &statistic
}

// contributors are the names of the features that alarm, the biggest effect first.
func contributors(features []FeatureReport) []string {
	var alarming []*FeatureReport
	for i := range features {
		if features[i].Alarm {
			alarming = append(alarming, &features[i])
		}
	}
	slices.SortStableFunc(alarming, func(a, b *FeatureReport) int { return cmp.Compare(*b.JSLower, *a.JSLower) })
	names := make([]string, len(alarming))
	for i, f := range alarming {
		names[i] = f.Name
	}
	return names
}

// largestEffect is the greatest lower bound of a distance among the features that alarm.
func largestEffect(features []FeatureReport) float64 {
	var most float64
	for i := range features {
		if features[i].Alarm {
			most = max(most, *features[i].JSLower)
		}
	}
	return most
}

// The severities of an alarm.
const (
	SeverityLow    = "low"
	SeverityMedium = "medium"
	SeverityHigh   = "high"
)

// severity says how big an effect is: low for a Jensen-Shannon distance below 0.2,
// medium below 0.4, high from there on.
func severity(effect float64) string {
	switch {
	case effect >= 0.4:
		return SeverityHigh
	case effect >= 0.2:
		return SeverityMedium
	}
	return SeverityLow
}

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
