package drift

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
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
	shares    []float64 // of each value, in the long run; nil: all alike
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
	source   *rand.PCG
	random   *rand.Rand // of source
	features int
	pane     time.Duration
	rows     float64 // a pane's, on average
	now      time.Duration
	state    []float64 // of each feature's autocorrelated course
	keys     []uint64  // of the values, or hashes of the categories, ascending
	drawn    []int64   // the pane's counts
	weights  []float64 // of the values at the moment
	urn      urn
	shift    float64 // that the urn was filled for
}

func newStream(f family, features int, pane time.Duration, rows float64, seed uint64) *stream {
	s := &stream{family: f, features: features, pane: pane, rows: rows, source: rand.NewPCG(seed, 1)}
	s.random = rand.New(s.source)
	s.state = make([]float64, features)
	for i := range s.state {
		s.state[i] = s.random.NormFloat64()
	}
	if f.kind == Categorical {
		s.sortByHash()
	}
	for _, v := range s.values {
		s.keys = append(s.keys, s.key(v))
	}
	s.drawn = make([]int64, features*len(f.values))
	s.weights = make([]float64, len(f.values))
	s.urn = newUrn(len(f.values))
	s.weigh(0)
	s.urn.fill(s.weights)
	return s
}

func (s *stream) key(v float64) uint64 {
	if s.kind == Categorical {
		return Hash(category(v))
	}
	return (&Layout{}).Bucket(v)
}

// sortByHash puts categories into the order in which they are counted.
func (s *stream) sortByHash() {
	order := make([]int, len(s.values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.key(s.values[a]), s.key(s.values[b])) })
	values, shares := s.values, s.shares
	s.values, s.shares = nil, nil
	for _, i := range order {
		s.values, s.shares = append(s.values, values[i]), append(s.shares, shares[i])
	}
}

func (s *stream) fields() []Field {
	fields := make([]Field, s.features)
	for i := range fields {
		fields[i] = Field{Name: fmt.Sprintf("f%02d", i), Kind: s.kind, Top: 100}
	}
	return fields
}

// next draws the counts of the next pane, of the features' values in turn. They
// hold until it is called again.
func (s *stream) next() []int64 {
	hours := s.now.Hours()
	rows := s.rows
	if s.season {
		rows *= 1 - .6*math.Cos(2*math.Pi*hours/24)
	}
	keep := math.Exp(-s.pane.Hours() / max(s.memory.Hours(), 1e-9))
	rest := math.Sqrt(1 - keep*keep)
	for i := range s.features {
		var shift float64
		switch {
		case s.season:
			shift = s.course * math.Cos(2*math.Pi*(hours/24+float64(i)/float64(s.features)))
		case s.course > 0:
			shift = s.course * s.state[i]
			s.state[i] = keep*s.state[i] + rest*s.random.NormFloat64()
		}
		s.drawInto(s.feature(s.drawn, i), int64(rows), shift)
	}
	s.now += s.pane
	return s.drawn
}

// feature is that part of a pane's counts which is a feature's.
func (s *stream) feature(drawn []int64, i int) []int64 {
	return drawn[i*len(s.values) : (i+1)*len(s.values)]
}

// draw is a multinomial draw of n rows, where the mean has moved by shift.
func (s *stream) draw(n int64, shift float64) []int64 {
	counts := make([]int64, len(s.values))
	s.drawInto(counts, n, shift)
	return counts
}

// manyRows is from how many rows a value on it is faster to draw how many have it
// than to draw a value for each.
const manyRows = 100

func (s *stream) drawInto(counts []int64, n int64, shift float64) {
	if n >= manyRows*int64(len(counts)) {
		s.weigh(shift)
		s.binomials(counts, n)
		return
	}
	if shift != s.shift {
		s.weigh(shift)
		s.urn.fill(s.weights)
		s.shift = shift
	}
	clear(counts)
	s.urn.draw(s.source, counts, n)
}

func (s *stream) weigh(shift float64) {
	for i, v := range s.values {
		w := 1.0
		if s.shares != nil {
			w = s.shares[i]
		}
		if shift != 0 {
			w *= math.Exp(shift * v)
		}
		s.weights[i] = w
	}
}

// binomials draws how many rows have each value, of those that the values before
// have left.
func (s *stream) binomials(counts []int64, n int64) {
	var left float64
	for _, w := range s.weights {
		left += w
	}
	last := len(counts) - 1
	for i, w := range s.weights[:last] {
		counts[i] = 0
		if n > 0 {
			counts[i] = int64(distuv.Binomial{N: float64(n), P: min(1, w/left), Src: s.random}.Rand())
		}
		n -= counts[i]
		left -= w
	}
	counts[last] = n
}

// counts are those of drawn values, as a Counter would give them.
func (s *stream) counts(drawn []int64) Counts {
	c := Counts{Rows: rowsOf(drawn)}
	if s.kind == Categorical {
		c.Categories = make([]Category, 0, len(drawn))
	} else {
		c.Buckets = make([]Bucket, 0, len(drawn))
	}
	for i, n := range drawn {
		switch {
		case n == 0:
		case s.kind == Categorical:
			c.Categories = append(c.Categories, Category{Key: s.keys[i], N: n})
		default:
			c.Buckets = append(c.Buckets, Bucket{Key: s.keys[i], N: n})
		}
	}
	return c
}

func category(v float64) []byte { return strconv.AppendFloat(nil, v, 'g', -1, 64) }

// collect makes a reference of the first panes.
func (s *stream) collect() (*Reference, error) {
	var panes []Pane
	texts := map[uint64]string{}
	for _, v := range s.values {
		texts[Hash(category(v))] = string(category(v))
	}
	for s.now < s.reference {
		p := Pane{Start: s.now.Milliseconds(), Texts: texts}
		drawn := s.next()
		for i := range s.features {
			p.Fields = append(p.Fields, s.counts(s.feature(drawn, i)))
		}
		p.Rows = p.Fields[0].Rows
		panes = append(panes, p)
	}
	return Collect(s.fields(), panes, s.pane)
}
