package drift

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// A family is a kind of stream in which nothing drifts. Its features have few
// values, so that the counts of a stretch of time are one multinomial draw: of a
// month of it that is affordable.
type family struct {
	name      string
	kind      Kind
	values    []float64 // or the categories' numbers, ascending
	shares    []float64 // of each value, in the long run
	reference time.Duration
	course    float64       // the size of the feature's own course, in standard deviations
	memory    time.Duration // of an autocorrelated course
	season    bool          // the course is a daily one, of the rows too
}

const day = 24 * time.Hour

var families = []family{
	{name: "normal", values: normalValues(), reference: 28 * day},
	{name: "heavy-tailed", values: powers(16, 2.3), shares: geometric(16, .5), reference: 28 * day},
	{name: "heavy ties", values: []float64{0, 1, 2, 2.5, 3, 4, 5, 7, 10, 12.5, 15, 20}, shares: []float64{.55, .2, .05, .04, .03, .03, .02, .02, .02, .02, .01, .01}, reference: 28 * day},
	{name: "discrete", kind: Categorical, values: powers(16, 1.1), shares: zipf(16), reference: 28 * day},
	{name: "autocorrelated", values: normalValues(), reference: 28 * day, course: .3, memory: 6 * time.Hour},
	{name: "daily season", values: normalValues(), reference: 2 * day, course: .7, season: true},
}

// normalValues are the middles of 16 slices of a normal distribution, all alike.
func normalValues() []float64 {
	values := make([]float64, 16)
	for i := range values {
		values[i] = distuv.UnitNormal.Quantile((float64(i) + .5) / 16)
	}
	return values
}

func powers(n int, base float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Pow(base, float64(i))
	}
	return values
}

func geometric(n int, ratio float64) []float64 {
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = math.Pow(ratio, float64(i))
	}
	return shares
}

func zipf(n int) []float64 {
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = math.Pow(float64(i+1), -2)
	}
	return shares
}

// stream draws a family's panes in turn.
type stream struct {
	family
	random   *rand.Rand
	features int
	pane     time.Duration
	rows     float64 // a pane's, on average
	now      time.Duration
	state    []float64 // of each feature's autocorrelated course
	keys     []uint64  // of the values, or hashes of the categories
}

func newStream(f family, features int, pane time.Duration, rows float64, seed uint64) *stream {
	s := &stream{family: f, random: rand.New(rand.NewPCG(seed, 1)), features: features, pane: pane, rows: rows}
	s.state = make([]float64, features)
	for i := range s.state {
		s.state[i] = s.random.NormFloat64()
	}
	for _, v := range f.values {
		key := (&Layout{}).Bucket(v)
		if f.kind == Categorical {
			key = Hash(category(v))
		}
		s.keys = append(s.keys, key)
	}
	return s
}

func (s *stream) fields() []Field {
	fields := make([]Field, s.features)
	for i := range fields {
		fields[i] = Field{Name: fmt.Sprintf("f%02d", i), Kind: s.kind, Top: 100}
	}
	return fields
}

// next draws the counts of the next pane, a row of the features' values each.
func (s *stream) next() [][]int64 {
	cosine := math.Cos(2 * math.Pi * s.now.Hours() / 24)
	rows := s.rows
	if s.season {
		rows *= 1 - .6*cosine
	}
	keep := math.Exp(-s.pane.Hours() / max(s.memory.Hours(), 1e-9))
	pane := make([][]int64, s.features)
	for i := range pane {
		shift := s.course * s.state[i]
		if s.season {
			shift = s.course * math.Cos(2*math.Pi*(s.now.Hours()/24+float64(i)/float64(s.features)))
		}
		pane[i] = s.draw(int64(rows), shift)
		s.state[i] = keep*s.state[i] + math.Sqrt(1-keep*keep)*s.random.NormFloat64()
	}
	s.now += s.pane
	return pane
}

// draw is a multinomial draw of n rows, where the mean has moved by shift.
func (s *stream) draw(n int64, shift float64) []int64 {
	shares := make([]float64, len(s.values))
	var left float64
	for i, v := range s.values {
		shares[i] = 1
		if s.shares != nil {
			shares[i] = s.shares[i]
		}
		if shift != 0 {
			shares[i] *= math.Exp(shift * v)
		}
		left += shares[i]
	}
	counts := make([]int64, len(shares))
	for i, share := range shares {
		if n == 0 {
			break
		}
		k := n
		if i < len(shares)-1 {
			k = int64(distuv.Binomial{N: float64(n), P: min(1, share/left), Src: s.random}.Rand())
		}
		counts[i] = k
		n -= k
		left -= share
	}
	return counts
}

// counts are those of drawn values, as a Counter would give them.
func (s *stream) counts(drawn []int64) Counts {
	var c Counts
	for i, n := range drawn {
		if n == 0 {
			continue
		}
		c.Rows += n
		if s.kind == Categorical {
			c.Categories = append(c.Categories, Category{Key: s.keys[i], N: n})
		} else {
			c.Buckets = append(c.Buckets, Bucket{Key: s.keys[i], N: n})
		}
	}
	slices.SortFunc(c.Categories, func(a, b Category) int { return cmp.Compare(a.Key, b.Key) })
	return c
}

func category(v float64) []byte { return strconv.AppendFloat(nil, v, 'g', -1, 64) }

func (s *stream) collect(t testing.TB) *Reference {
	var panes []Pane
	texts := map[uint64]string{}
	for _, v := range s.values {
		texts[Hash(category(v))] = string(category(v))
	}
	for s.now < s.reference {
		p := Pane{Start: s.now.Milliseconds(), Texts: texts}
		for _, drawn := range s.next() {
			p.Fields = append(p.Fields, s.counts(drawn))
		}
		p.Rows = p.Fields[0].Rows
		panes = append(panes, p)
	}
	ref, err := Collect(s.fields(), panes, s.pane)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// sliding is one window over a stream: the sums of its last twelve hops.
type sliding struct {
	spec    WindowSpec
	hops    [hops][][]int64
	closed  int
	last    time.Time // end of the last alarming window that was counted
	windows int       // alarming ones, all
	alarms  int       // alarming ones that share no event
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

func (w *sliding) add(now, pane time.Duration, drawn [][]int64) bool {
	hop := (now - pane) / w.spec.hop() % hops
	if (now-pane)%w.spec.hop() == 0 {
		w.hops[hop] = nil
	}
	if w.hops[hop] == nil {
		w.hops[hop] = make([][]int64, len(drawn))
	}
	for i, d := range drawn {
		w.hops[hop][i] = addCells(w.hops[hop][i], d)
	}
	return now%w.spec.hop() == 0
}

func (w *sliding) close(s *stream) *Closed {
	if w.closed++; w.closed < hops {
		return nil
	}
	end := s.now.Milliseconds()
	c := &Closed{Window: w.spec, Span: Span{Start: end - w.spec.Length.Milliseconds(), End: end}, Complete: true}
	for i := range s.features {
		var drawn []int64
		for _, hop := range w.hops {
			drawn = addCells(drawn, hop[i])
		}
		c.Fields = append(c.Fields, s.counts(drawn))
	}
	c.Rows = c.Fields[0].Rows
	return c
}

// experiment lets streams without drift run for months and counts the alarms.
type experiment struct {
	family  family
	config  JudgeConfig
	pane    time.Duration
	rows    float64
	months  int
	mutate  func(*Judge)
	streams int // as many references, over which the months are spread
}

const month = 30 * day

func (e *experiment) run(t testing.TB) (alarms int) {
	for n := range e.streams {
		s := newStream(e.family, 50, e.pane, e.rows, uint64(n))
		ref := s.collect(t)
		j := NewJudge(NewSchema(s.fields(), ref), ref, e.config)
		if e.mutate != nil {
			e.mutate(j)
		}
		var windows []sliding
		for _, w := range e.config.Windows {
			windows = append(windows, sliding{spec: w})
		}
		end := s.now + time.Duration(e.months/e.streams)*month
		for s.now < end {
			drawn := s.next()
			for i := range windows {
				if !windows[i].add(s.now, s.pane, drawn) {
					continue
				}
				if c := windows[i].close(s); c != nil {
					r, _ := j.Judge(c)
					windows[i].count(r)
				}
			}
		}
		for _, w := range windows {
			alarms += w.alarms
		}
	}
	return alarms
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
			if alarms := e.run(t); upper(alarms) > budget {
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
			if alarms := e.run(t); float64(alarms) <= budget {
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
		{"1h and 24h", []WindowSpec{hourWindow, dayWindow}, 5 * time.Minute, 20, 5},
	} {
		for _, f := range families {
			b.Run(w.name+"/"+f.name, func(b *testing.B) {
				e := experiment{
					family: f, pane: w.pane, rows: 250 * w.pane.Minutes() / 5, months: w.months, streams: w.streams,
					config: JudgeConfig{FalseAlarms: 1, Per: month, Effect: anyEffect, MinRows: 500, Windows: w.windows},
				}
				for b.Loop() {
					alarms := e.run(b)
					b.ReportMetric(float64(alarms)/float64(e.months), "alarms/month")
					b.ReportMetric(upper(alarms)/float64(e.months), "at-most/month")
					b.ReportMetric(float64(e.months), "months")
				}
			})
		}
	}
}
