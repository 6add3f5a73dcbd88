package drift

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// goldenDelta has something of all that a delta can say.
func goldenDelta() *Delta {
	return &Delta{
		Pipeline: "card-fraud", Model: "fraud", Version: "7", Variant: "champion", Generation: "g1",
		Source: "transactions", Partition: 3, From: 1234, To: 1240, Parts: 1,
		Horizon: 1_763_715_723_456, Idle: true, Clock: 1_763_715_724_000,
		Panes: []Pane{
			{Start: 1_763_715_600_000, Late: 1, Future: 2, Lost: 1},
			{
				Start: 1_763_715_660_000, Rows: 5,
				Fields: []Counts{
					{Rows: 5, Missing: 1, NaN: 1, PosInf: 1, NegInf: 1, Buckets: []Bucket{{Key: 0xbff0000000000000, N: 1}}},
					{Rows: 6, TypeErrors: 1, Buckets: []Bucket{
						{Key: 0, N: 1}, {Key: 1, N: 1}, {Key: 0x4000000000000000, N: 1}, {Key: 0x4000400000000000, N: 1}, {Key: math.MaxUint64, N: 1},
					}},
					{Rows: 5, Categories: []Category{{Key: 1, N: 1}, {Key: math.MaxUint64, N: 300}}, Other: 1, New: 2, Distinct: &Distinct{sparse: []uint16{1<<rankBits | 3}}},
				},
				Texts: map[uint64]string{1: "grocery", math.MaxUint64: ""},
			},
		},
	}
}

// The format is persisted: what writes other bytes has to be another version.
func TestDeltasFormatIsThatOfTheGoldenFile(t *testing.T) {
	records := goldenDelta().Encode()
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	golden, err := os.ReadFile("testdata/delta.hex")
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(strings.Join(strings.Fields(string(golden)), ""))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(records[0], want) {
		t.Errorf("got\n%s", hex.EncodeToString(records[0]))
	}
	got, err := DecodeDelta(want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, goldenDelta()) {
		t.Errorf("got %+v", got)
	}
}

// Any byte that changes, is missing or too many is found.
func TestDamagedDeltasAreRefused(t *testing.T) {
	record := goldenDelta().Encode()[0]
	for i := range record {
		damaged := slices.Clone(record)
		damaged[i] ^= 0x10
		if _, err := DecodeDelta(damaged); err == nil {
			t.Errorf("byte %d may be another", i)
		}
		if _, err := DecodeDelta(record[:i]); err == nil {
			t.Errorf("it may end after %d bytes", i)
		}
	}
	if _, err := DecodeDelta(appendSum(append(slices.Clone(record[:len(record)-4]), 0), 0)); err == nil {
		t.Error("a byte may be left over")
	}
}

// What can be read can be put into windows of any calendar.
func TestPanesBeyondAllCalendarsAreRefused(t *testing.T) {
	zone := streamConfig(t).Zone
	for _, start := range []int64{-maxTime, maxTime, -maxTime - 1, maxTime + 1, math.MinInt64, math.MaxInt64} {
		d := goldenDelta()
		d.Panes = []Pane{{Start: start, Late: 1}}
		_, err := DecodeDelta(d.Encode()[0])
		if meant := start >= -maxTime && start <= maxTime; (err == nil) != meant {
			t.Errorf("%d: %v", start, err)
		} else if !meant {
			continue
		}
		for _, unit := range []string{"1d", "1w", "1mo"} {
			if span := (calendar{unit, zone}).span(start); span.Start > start || span.End <= start {
				t.Errorf("%s of %d is %+v", unit, start, span)
			}
		}
	}
}

// drawnDelta has numeric fields of a log-normal distribution.
func drawnDelta(r *rand.Rand, rows, fields int) *Delta {
	d := goldenDelta()
	d.To = d.From + int64(rows)
	counts := make([]Counts, fields)
	for i := range counts {
		buckets := map[uint64]int64{}
		for range rows {
			v := math.Float64bits(math.Exp(r.NormFloat64())) | 1<<63
			buckets[v>>basicShift<<basicShift]++
		}
		counts[i] = Counts{Rows: int64(rows)}
		for key, n := range buckets {
			counts[i].Buckets = append(counts[i].Buckets, Bucket{key, n})
		}
		slices.SortFunc(counts[i].Buckets, func(a, b Bucket) int { return cmp.Compare(a.Key, b.Key) })
	}
	d.Panes = []Pane{{Start: 1_763_715_660_000, Rows: int64(rows), Fields: counts}}
	return d
}

// A delta of three events takes some 300 bytes, one of fifty thousand some 20 kB.
func TestDeltasAreSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ rows, most int }{{3, 350}, {50_000, 22_000}} {
		size := len(drawnDelta(r, c.rows, 20).Encode()[0])
		t.Logf("%d rows of 20 features: %d bytes", c.rows, size)
		if size > c.most {
			t.Errorf("%d rows take %d bytes, more than %d", c.rows, size, c.most)
		}
	}
}

// The parts of a delta that is too large fit, and add up to it, whatever makes it
// large.
func TestDeltasTooLargeAreSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	many := drawnDelta(r, 20_000, 1)
	many.Panes[0].Fields = slices.Repeat(many.Panes[0].Fields, 900)
	texts, lists, panes := goldenDelta(), goldenDelta(), goldenDelta()
	for i := range 20_000 {
		texts.Panes[1].Texts[uint64(i)<<32] = strings.Repeat("a", i%64)
	}
	for i := range 200_000 {
		lists.Panes[1].Fields[0].Buckets = append(lists.Panes[1].Fields[0].Buckets, Bucket{Key: 0xbff0000000000001 + uint64(i), N: 1})
	}
	for i := range 2 {
		pane := many.Panes[0]
		pane.Start += int64(i+1) * 60_000
		panes.Panes = append(panes.Panes, pane)
	}
	for name, d := range map[string]*Delta{"fields": many, "texts": texts, "lists": lists, "panes": panes} {
		records := d.Encode()
		if len(records) < 2 {
			t.Fatalf("%s: %d records", name, len(records))
		}
		sums := map[int64]*cell{}
		for i, record := range records {
			part, err := DecodeDelta(record)
			if err != nil {
				t.Fatal(name, err)
			}
			if len(record) > MaxDelta || part.Part != i || part.Parts != len(records) || part.From != d.From || part.Horizon != d.Horizon {
				t.Fatalf("%s: part %d of %d has %d bytes", name, part.Part, part.Parts, len(record))
			}
			if again := part.Encode(); len(again) != 1 || !bytes.Equal(again[0], record) {
				t.Fatalf("%s: a part is not encoded as it came", name)
			}
			for j := range part.Panes {
				p := &part.Panes[j]
				if sums[p.Start] == nil {
					sums[p.Start] = &cell{sum: Pane{Start: p.Start}}
				}
				sums[p.Start].add(p)
				sums[p.Start].addTexts(p)
			}
		}
		for i := range d.Panes {
			want := &d.Panes[i]
			if got := &sums[want.Start].sum; !bytes.Equal(appendPane(nil, got), appendPane(nil, want)) {
				t.Errorf("%s: the parts of the pane of %d do not add up to it", name, want.Start)
			}
		}
	}
}

func FuzzDelta(f *testing.F) {
	f.Add(goldenDelta().Encode()[0])
	f.Add((&Delta{Source: "s", Idle: true, Clock: 1}).Encode()[0])
	f.Add(drawnDelta(rand.New(rand.NewPCG(1, 2)), 10, 3).Encode()[0])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		if len(data) >= len(deltaMagic)+4 { // else no input of the fuzzer's would get beyond the checksum
			data = appendSum(append([]byte(deltaMagic), data[len(deltaMagic):len(data)-4]...), 0)
		}
		d, err := DecodeDelta(data)
		if err != nil {
			return
		}
		fields := 0
		for i := range d.Panes {
			fields += len(d.Panes[i].Fields)
		}
		if len(d.Panes) > len(data) || fields > len(data) {
			t.Fatalf("%d bytes gave %d panes and %d fields", len(data), len(d.Panes), fields)
		}
		d.Parts = max(d.Parts, 1)
		records := d.Encode()
		again, err := DecodeDelta(records[0])
		if err != nil || len(records) != 1 {
			t.Fatalf("%d records: %v", len(records), err)
		}
		if !reflect.DeepEqual(again, d) {
			t.Fatalf("got %+v, want %+v", again, d)
		}
	})
}
