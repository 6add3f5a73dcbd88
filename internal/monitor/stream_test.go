package monitor

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
)

// The stream of most tests: a number and a text, counted by a schema that a
// reference of the same stream decides.
var testFields = []drift.Field{
	{Name: "amount", Role: drift.Input, Kind: drift.Numeric},
	{Name: "country", Role: drift.Input, Kind: drift.Categorical, Top: 10},
}

var countries = []string{"de", "fr", "it", "pl"}

// epochStart is where the stream's event time begins.
var epochStart = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixMilli()

const testPane = time.Second

// testWindows are as short as the stream.
func testWindows() drift.WindowsConfig {
	return drift.WindowsConfig{
		Pane: testPane, Lateness: 5 * time.Second, Idle: time.Minute, Zone: time.UTC,
		Windows: []drift.WindowSpec{{Name: "12s", Length: 12 * time.Second}, {Name: "1m", Length: time.Minute}},
	}
}

func testReference(t testing.TB) *drift.Reference {
	t.Helper()
	b := drift.NewReferenceBuilder(testFields, 12*time.Second)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 20_000 {
		rows := b.At(epochStart-int64(400_000-20*i), true)
		rows.Row()
		rows.Number(0, 10+r.NormFloat64())
		rows.Text(1, []byte(countries[r.IntN(4)]))
	}
	ref, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func testCore(t testing.TB) CoreOptions {
	t.Helper()
	ref := testReference(t)
	schema := drift.NewSchema(testFields, ref)
	windows := testWindows()
	return CoreOptions{
		Pipeline: "p", Identity: NewIdentity("m", "1", schema.Generation, windows), Schema: schema, Reference: ref,
		Fields: testFields, Block: 12 * time.Second, Windows: windows,
		Judge: drift.JudgeConfig{FalseAlarms: 1, Per: 30 * 24 * time.Hour, Effect: 0.1, MinRows: 50, Windows: windows.Windows},
	}
}

// testPartitions is how many partitions the stream has.
const testPartitions = 3

func partitionIDs() []drift.PartitionID {
	var all []drift.PartitionID
	for p := range testPartitions {
		all = append(all, drift.PartitionID{Source: "in", Partition: int32(p)})
	}
	return all
}

// testDeltas are what workers counted of a stream of so many seconds, one delta a
// second and partition, with event times that waver by three seconds, and a
// shift of the amounts in the stretch from shiftFrom to shiftTo, where there is also a
// country that is new.
func testDeltas(o *CoreOptions, seconds, shiftFrom, shiftTo int) []Delta {
	r := rand.New(rand.NewPCG(7, 7))
	counter := drift.NewCounter(o.Schema)
	offsets := make([]int64, testPartitions)
	var all []Delta
	for second := range seconds {
		for p := range testPartitions {
			d := drift.Delta{
				Pipeline: "p", Model: "m", Version: "1", Variant: "champion", Generation: o.Schema.Generation,
				Source: "in", Partition: int32(p), From: offsets[p], Parts: 1, Horizon: math.MinInt64,
				Clock: epochStart + int64(second)*1000,
			}
			rows := map[int64][]float64{}
			for range 20 {
				at := epochStart + int64(second)*1000 + r.Int64N(3000)
				amount := 10 + r.NormFloat64()
				if second >= shiftFrom && second < shiftTo {
					amount += 4
				}
				start := at / testPane.Milliseconds() * testPane.Milliseconds()
				rows[start] = append(rows[start], amount)
				d.Horizon = max(d.Horizon, at)
				offsets[p]++
			}
			offsets[p]++ // a marker of a transaction, which no event has
			d.To = offsets[p]
			for _, start := range slices.Sorted(keysOf(rows)) {
				counter.Reset()
				for _, amount := range rows[start] {
					counter.Row()
					counter.Number(0, amount)
					country := countries[r.IntN(4)]
					if country == "pl" && amount > 15 {
						country = "nl"
					}
					counter.Text(1, []byte(country))
				}
				d.Panes = append(d.Panes, drift.Pane{Start: start, Rows: counter.Rows(), Fields: clones(counter.Counts(nil))})
			}
			for _, record := range d.Encode() {
				all = append(all, Delta{Value: record, Time: d.Clock})
			}
		}
	}
	return all
}

func clones(counts []drift.Counts) []drift.Counts {
	all := make([]drift.Counts, len(counts))
	for i := range counts {
		all[i] = counts[i].Clone()
	}
	return all
}

func keysOf[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// lastRevisions are the last words on each window, without the number of the
// revision, which depends on when somebody looked; and under "disorder" a report
// whose revision does not follow the one before.
func lastRevisions(t testing.TB, records [][]byte) map[string]string {
	t.Helper()
	all, revisions := map[string]string{}, map[string]int{}
	for _, record := range records {
		var r drift.Report
		if err := json.Unmarshal(record, &r); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%s until %s", r.Window, r.End.Format(time.TimeOnly))
		if last, ok := revisions[key]; ok && r.Revision != last+1 || !ok && r.Revision != 0 {
			all["disorder"] = fmt.Sprintf("%s: revision %d comes after %d (%t)", key, r.Revision, last, ok)
		}
		revisions[key] = r.Revision
		r.Revision = 0
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		all[key] = string(text)
	}
	return all
}

// difference says where two sets of last revisions differ; empty: nowhere.
func difference(got, want map[string]string) string {
	for key := range want {
		if got[key] != want[key] {
			return fmt.Sprintf("%s is\n%s, want\n%s", key, got[key], want[key])
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			return key + " is there, and should not"
		}
	}
	return ""
}
