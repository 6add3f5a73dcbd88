package drift

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The numbers of docs/decisions/2026-11-22-changes-over-panes.md are those of
// go test ./drift -run OverNullSeries -v -null-series 10000.
var nullSeries = flag.Int("null-series", 100, "how many series without a change each detector watches")

// alike are standard normal values of which each repeats a share of the one
// before it, with a step in the middle.
func alike(random *rand.Rand, panes int, share, step float64) *paneSeries {
	s := &paneSeries{variance: 1, least: 1}
	v := 0.0
	for i := range panes {
		v = share*v + random.NormFloat64()
		s.sums, s.values = append(s.sums, v), append(s.values, 1)
		if i >= panes/2 {
			s.sums[i] += step
		}
	}
	return s
}

// firstChange is the pane at which a detector finds its first change from a pane
// on, -1 without any.
func firstChange(name string, s *paneSeries, from int) int {
	values, at := s.standardised()
	detector := paneWatches[name].detector()
	for i, v := range values {
		if detector.Update(paneWatches[name].input(v)) && at[i] >= from {
			return at[i]
		}
	}
	return -1
}

// nullFamilies are ways for a series not to change, and how many of 1000 series of
// 1000 panes may have a false change.
var nullFamilies = map[string]struct {
	draw        func(*rand.Rand) *paneSeries
	perThousand int
}{
	"independent":                  {func(r *rand.Rand) *paneSeries { return alike(r, 1000, 0, 0) }, 1},
	"neighbours correlated by 0.5": {func(r *rand.Rand) *paneSeries { return alike(r, 1000, 0.5, 0) }, 5},
	"a season of 24 panes, two deviations high": {func(r *rand.Rand) *paneSeries {
		s, begin := alike(r, 1000, 0, 0), r.IntN(24)
		for i := range s.sums {
			s.sums[i] += 2 * math.Sin(2*math.Pi*float64(begin+i)/24)
		}
		return s
	}, 1},
}

// TestChangesOverNullSeries fails, for one, without the joining of panes: of the
// correlated series, ADWIN then finds changes in 24 of 100.
func TestChangesOverNullSeries(t *testing.T) {
	for name := range paneWatches {
		for family, f := range nullFamilies {
			series := *nullSeries
			if name == "kswin" {
				series /= 10 // it is slow
			}
			random := rand.New(rand.NewPCG(1, 2))
			found := 0
			for range series {
				if firstChange(name, f.draw(random), 0) >= 0 {
					found++
				}
			}
			t.Logf("%s, %s: %d of %d", name, family, found, series)
			if found > 1+series*f.perThousand/1000 {
				t.Errorf("%s, %s: %d of %d have a change", name, family, found, series)
			}
		}
	}
}

// EDDM, which needs 30 errors after 30 others, finds a step of two deviations in
// none of 1000 panes.
func TestChangesFindAStep(t *testing.T) {
	for name, want := range map[string]int{"adwin": 17, "page_hinkley": 18, "cusum": 17, "hddm_a": 15, "hddm_w": 18, "ddm": 80, "kswin": 30} {
		for _, step := range []float64{2, -2} {
			random := rand.New(rand.NewPCG(3, 4))
			var delays []int
			for range 20 {
				at := firstChange(name, alike(random, 1000, 0, step), 500)
				if at < 0 {
					at = 1500
				}
				delays = append(delays, at-499)
			}
			slices.Sort(delays)
			t.Logf("%s: %d panes", name, delays[10])
			if delays[10] > want {
				t.Errorf("%s: a step of %g is found after %d panes, want %d", name, step, delays[10], want)
			}
		}
	}
}

// draws are panes of so many values each, drawn by value of index and place.
func draws(panes, rows int, draw func(c *Counts, pane int, u float64)) []Counts {
	random := rand.New(rand.NewPCG(5, 6))
	all := make([]Counts, panes)
	for i := range all {
		for range rows {
			all[i].Rows++
			draw(&all[i], i, random.Float64())
		}
		slices.SortFunc(all[i].Buckets, func(a, b Bucket) int { return int(a.Key) - int(b.Key) })
		slices.SortFunc(all[i].Categories, func(a, b Category) int { return int(a.Key) - int(b.Key) })
	}
	return all
}

func addBucket(c *Counts, key uint64) {
	i := slices.IndexFunc(c.Buckets, func(b Bucket) bool { return b.Key == key })
	if i < 0 {
		i, c.Buckets = len(c.Buckets), append(c.Buckets, Bucket{Key: key})
	}
	c.Buckets[i].N++
}

func addCategory(c *Counts, hash uint64) {
	i := slices.IndexFunc(c.Categories, func(b Category) bool { return b.Key == hash })
	if i < 0 {
		i, c.Categories = len(c.Categories), append(c.Categories, Category{Key: hash})
	}
	c.Categories[i].N++
}

func TestChanges(t *testing.T) {
	for name, c := range map[string]struct {
		draw func(c *Counts, pane int, u float64)
		what string // "" for none
		of   uint64
	}{
		"nothing": {func(c *Counts, _ int, u float64) { addBucket(c, uint64(20*u)) }, "", 0},
		"the level rises": {func(c *Counts, pane int, u float64) {
			addBucket(c, uint64(20*u)+uint64(pane/200))
		}, ChangeLevel, 0},
		"the spread shrinks": {func(c *Counts, pane int, u float64) {
			if pane >= 200 {
				u = 0.25 + u/2
			}
			addBucket(c, uint64(20*u))
		}, ChangeSpread, 0},
		"more is missing": {func(c *Counts, pane int, u float64) {
			if u < 0.05+0.10*float64(pane/200) {
				c.Missing++
				return
			}
			addBucket(c, uint64(u*1000)%17)
		}, ChangeMissing, 0},
		"types are wrong": {func(c *Counts, pane int, u float64) {
			if u < 0.10*float64(pane/200) {
				c.TypeErrors++
				return
			}
			addCategory(c, uint64(u*1000)%3)
		}, ChangeMissing, 0},
		"one category for another": {func(c *Counts, pane int, u float64) {
			if u < 0.1 {
				addCategory(c, 7+uint64(pane/200))
			} else {
				addCategory(c, uint64(u*1000)%3)
			}
		}, ChangeCategory, 8},
		"new values": {func(c *Counts, pane int, u float64) {
			if u < 0.05*float64(pane/200) {
				c.New++
			} else {
				addCategory(c, uint64(u*1000)%3)
			}
		}, ChangeNew, 0},
		"others": {func(c *Counts, pane int, u float64) {
			if u < 0.05+0.05*float64(pane/200) {
				c.Other++
			} else {
				addCategory(c, uint64(u*1000)%3)
			}
		}, ChangeOther, 0},
	} {
		got, err := Changes(DefaultChangeDetector, draws(400, 200, c.draw))
		if err != nil {
			t.Fatal(err)
		}
		if c.what == "" {
			if len(got) > 0 {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		i := slices.IndexFunc(got, func(g Change) bool { return g.What == c.what && (c.of == 0 || g.Category == c.of) })
		if i < 0 || got[0].Pane < 200 || got[i].Pane > 230 {
			t.Errorf("%s at 200: %v", name, got)
		}
	}
	if _, err := Changes("adwn", nil); err == nil {
		t.Error("an unknown detector was accepted")
	}
}

// Panes without values, as at night, do not count, and a pane's number is its own.
func TestChangesSkipsEmptyPanes(t *testing.T) {
	rise := func(c *Counts, pane int, u float64) { addBucket(c, uint64(20*u)+3*uint64(pane/200)) }
	panes := draws(400, 200, rise)
	dense, err := Changes(DefaultChangeDetector, panes)
	if err != nil || len(dense) == 0 {
		t.Fatal(dense, err)
	}
	sparse := make([]Counts, 2*len(panes))
	for i := range panes {
		sparse[2*i+1] = panes[i]
	}
	got, err := Changes(DefaultChangeDetector, sparse)
	if err != nil {
		t.Fatal(err)
	}
	for i := range dense {
		dense[i].Pane = 2*dense[i].Pane + 1
	}
	if !slices.Equal(got, dense) {
		t.Errorf("with empty panes between them: %v, want %v", got, dense)
	}
	for name := range paneWatches {
		for _, none := range [][]Counts{nil, make([]Counts, 100)} {
			if got, err := Changes(name, none); err != nil || len(got) > 0 {
				t.Errorf("%s over %d empty panes: %v, %v", name, len(none), got, err)
			}
		}
	}
}
