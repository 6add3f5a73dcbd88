package drift

import (
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// sliding is one window over a stream: the sums of its last twelve hops.
type sliding struct {
	spec    WindowSpec
	hops    [hops][]int64 // counts as those of a pane
	sums    []int64       // of the hops
	closed  int
	last    time.Time // end of the last alarming window that was counted
	windows int       // alarming ones, all
	alarms  int       // alarming ones that share no event
}

func newSliding(spec WindowSpec, s *stream) *sliding {
	w := &sliding{spec: spec, sums: make([]int64, len(s.drawn))}
	for i := range w.hops {
		w.hops[i] = make([]int64, len(s.drawn))
	}
	return w
}

// count takes a report. It knows no hysteresis, under which an alarm that never
// ends would be one: alarming windows are counted where they have no event in common.
func (w *sliding) count(r *Report) {
	if !r.Alarm {
		return
	}
	w.windows++
	if !r.Start.Before(w.last) {
		w.alarms++
		w.last = r.End
	}
}

// add adds a pane that ends now, and tells whether a window closes.
func (w *sliding) add(now, pane time.Duration, drawn []int64) bool {
	hop := w.hops[(now-pane)/w.spec.hop()%hops]
	if (now-pane)%w.spec.hop() == 0 {
		for i, n := range hop {
			w.sums[i] -= n
		}
		clear(hop)
	}
	for i, n := range drawn {
		hop[i] += n
		w.sums[i] += n
	}
	if now%w.spec.hop() != 0 {
		return false
	}
	w.closed++
	return w.closed >= hops
}

// close gives the window that ends now.
func (w *sliding) close(s *stream) *Closed {
	end := s.now.Milliseconds()
	c := &Closed{Window: w.spec, Span: Span{Start: end - w.spec.Length.Milliseconds(), End: end}, Complete: true}
	for i := range s.features {
		c.Fields = append(c.Fields, s.counts(s.feature(w.sums, i)))
	}
	c.Rows = c.Fields[0].Rows
	return c
}

// screen tells of most windows that they cannot alarm, without judging them. A
// window alarms only if a feature's p is at most the window's level. That need not be
// worked out where draws alone leave more, as the course of a stream only adds to it.
type screen struct {
	judge  *Judge
	cells  [][]int // of the features, where each of the values is counted
	counts []int64
	limits []map[int]float64 // of the windows: by degrees of freedom, the greatest likelihood ratio that cannot alarm
}

func newScreen(j *Judge, s *stream) *screen {
	c := &screen{judge: j}
	for i := range j.features {
		var cells []int
		for k := range s.values {
			one := make([]int64, len(s.values))
			one[k] = 1
			counts := s.counts(one)
			cells = append(cells, slices.Index(j.features[i].reference.Cells(&counts, nil), 1))
		}
		c.cells = append(c.cells, cells)
	}
	for range j.windows {
		c.limits = append(c.limits, map[int]float64{})
	}
	return c
}

// passes tells whether the window with these sums may alarm.
func (c *screen) passes(window int, s *stream, sums []int64) bool {
	for i, cells := range c.cells {
		f := &c.judge.features[i]
		c.counts = slices.Grow(c.counts[:0], len(f.cells))[:len(f.cells)]
		clear(c.counts)
		for k, n := range s.feature(sums, i) {
			c.counts[cells[k]] += n
		}
		statistic, df := likelihoodRatio(c.counts, f.cells)
		if df == 0 || statistic <= c.limit(window, df) {
			continue
		}
		if f.variations == nil || f.variations[window].tail(statistic, df, effectiveRows(rowsOf(c.counts), f.rows)) <= c.level(window) {
			return true
		}
	}
	return false
}

// level is twice the window's, so that no rounding decides.
func (c *screen) level(window int) float64 { return min(.5, 2*c.judge.windows[window].alpha) }

func (c *screen) limit(window, df int) float64 {
	limit, ok := c.limits[window][df]
	if !ok {
		limit = distuv.ChiSquared{K: float64(df)}.Quantile(1 - c.level(window))
		c.limits[window][df] = limit
	}
	return limit
}

// experiment lets streams without drift run for months and counts the alarms.
type experiment struct {
	family     family
	config     JudgeConfig
	pane       time.Duration
	rows       float64
	months     int
	mutate     func(*Judge)
	streams    int // as many references, over which the months are spread
	unscreened bool
}

const month = 30 * day

// run gives how many alarms there were, and how many alarming windows.
func (e *experiment) run(t testing.TB) (alarms, windows int) {
	for n := range e.streams {
		sliding, err := e.stream(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range sliding {
			alarms, windows = alarms+w.alarms, windows+w.windows
		}
	}
	return alarms, windows
}

// stream runs the nth stream.
func (e *experiment) stream(n int) ([]*sliding, error) {
	s := newStream(e.family, 50, e.pane, e.rows, uint64(n))
	ref, err := s.collect()
	if err != nil {
		return nil, err
	}
	j := NewJudge(NewSchema(s.fields(), ref), ref, e.config)
	if e.mutate != nil {
		e.mutate(j)
	}
	screen := newScreen(j, s)
	var windows []*sliding
	for _, w := range e.config.Windows {
		windows = append(windows, newSliding(w, s))
	}
	for end := s.now + time.Duration(e.months)*month/time.Duration(e.streams); s.now < end; {
		drawn := s.next()
		for i, w := range windows {
			if w.add(s.now, s.pane, drawn) && (e.unscreened || screen.passes(i, s, w.sums)) {
				r, _ := j.Judge(w.close(s))
				w.count(r)
			}
		}
	}
	return windows, nil
}

// upper is the limit below which the mean of a Poisson count is with 95 %.
func upper(count int) float64 { return distuv.ChiSquared{K: 2 * float64(count+1)}.Quantile(.95) / 2 }

// anyEffect is a bound that every distance exceeds, so that the significance alone
// has to keep the budget.
const anyEffect = -1

// brief is the short form: windows of a day, two months.
func brief(f family) experiment {
	f.reference = min(f.reference, 14*day)
	return experiment{
		family: f, pane: 2 * time.Hour, rows: 6000, months: 2, streams: 2,
		config: JudgeConfig{FalseAlarms: 12, Per: month, Effect: anyEffect, MinRows: 500, Windows: []WindowSpec{{Name: "24h", Length: day}}},
	}
}

func TestFalseAlarmsKeepTheBudget(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			e := brief(f)
			budget := e.config.FalseAlarms * float64(e.months)
			if alarms, _ := e.run(t); upper(alarms) > budget {
				t.Errorf("%d alarms in %d months: up to %.1f, and the budget is %g", alarms, e.months, upper(alarms), budget)
			}
		})
	}
}

// What the budget is kept by: the same streams exceed it without it.
func TestFalseAlarmsWithoutTheirMeans(t *testing.T) {
	for _, tc := range []struct {
		what   string
		family string
		mutate func(*Judge)
	}{
		{"no correction over the features", "normal", func(j *Judge) {
			for i := range j.windows {
				j.windows[i].alpha *= 50
			}
		}},
		{"no calibration, autocorrelated", "autocorrelated", uncalibrated},
	} {
		t.Run(tc.what, func(t *testing.T) {
			e := brief(families[slices.IndexFunc(families, func(f family) bool { return f.name == tc.family })])
			e.mutate = tc.mutate
			budget := e.config.FalseAlarms * float64(e.months)
			if alarms, _ := e.run(t); float64(alarms) <= budget {
				t.Errorf("only %d alarms in %d months, a budget of %g", alarms, e.months, budget)
			}
		})
	}
}

func uncalibrated(j *Judge) {
	for i := range j.features {
		for w := range j.features[i].variations {
			j.features[i].variations[w].excess = 0
		}
	}
}

// The screen lets all windows pass that alarm.
func TestScreenChangesNothing(t *testing.T) {
	for _, name := range []string{"normal", "autocorrelated"} {
		e := brief(families[slices.IndexFunc(families, func(f family) bool { return f.name == name })])
		e.months, e.streams, e.mutate = 1, 1, func(j *Judge) { j.windows[0].alpha *= 50 }
		alarms, windows := e.run(t)
		e.unscreened = true
		if a, w := e.run(t); alarms == 0 || a != alarms || w != windows {
			t.Errorf("%s: %d alarms of %d windows, and without the screen %d of %d", name, alarms, windows, a, w)
		}
	}
}

// BenchmarkFalseAlarms is bench/drift/null's: long runs of each family, with a
// budget of one a month, and how many false alarms a month there may be at most,
// with 95 %.
func BenchmarkFalseAlarms(b *testing.B) {
	dayWindow, hourWindow := WindowSpec{Name: "24h", Length: day}, WindowSpec{Name: "1h", Length: time.Hour}
	for _, w := range []struct {
		name    string
		windows []WindowSpec
		pane    time.Duration
		months  int
		streams int
	}{
		{"24h", []WindowSpec{dayWindow}, 2 * time.Hour, 200, 20},
		{"1h and 24h", []WindowSpec{hourWindow, dayWindow}, 5 * time.Minute, 200, 20},
	} {
		for _, f := range families {
			b.Run(w.name+"/"+f.name, func(b *testing.B) {
				e := experiment{
					family: f, pane: w.pane, rows: 250 * w.pane.Minutes() / 5, months: w.months, streams: w.streams,
					config: JudgeConfig{FalseAlarms: 1, Per: month, Effect: anyEffect, MinRows: 500, Windows: w.windows},
				}
				for b.Loop() {
					alarms, _ := e.run(b)
					b.ReportMetric(float64(alarms)/float64(e.months), "alarms/month")
					b.ReportMetric(upper(alarms)/float64(e.months), "at-most/month")
					b.ReportMetric(float64(e.months), "months")
				}
			})
		}
	}
}
