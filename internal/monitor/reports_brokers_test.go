package monitor

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
)

// TestReportsOfOthers reads what is published in a process that makes none.
func TestReportsOfOthers(t *testing.T) {
	o := testCore(t)
	log := testDeltas(&o, 40, 100, 100)
	for name, open := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			var early, late Reports
			ctx, stop := context.WithCancel(t.Context())
			var reading sync.WaitGroup
			defer reading.Wait()
			defer stop()
			reading.Go(func() { early.Follow(ctx, p.Reader(), quiet) })
			p.Publish(t, log)
			process(t, o, newMortal(p.Broker("a"), before))
			standby, _ := process(t, o, newMortal(p.Broker("b"), before))
			eventually(t, "all is committed", func() bool { return p.Done(t, o.Identity) })
			reading.Go(func() { late.Follow(ctx, p.Reader(), quiet) })
			published := p.Reports(t)
			var all Reports
			for _, record := range published {
				if err := all.Take(record); err != nil {
					t.Fatal(err)
				}
			}
			for name, r := range map[string]*Reports{"early": &early, "late": &late} {
				eventually(t, name+" reader has the latest", func() bool {
					return reflect.DeepEqual(r.Latest(), all.Latest()) && len(all.Latest()) == len(o.Windows.Windows)
				})
			}
			if _, s := standby.Owner(), standby.Status(); s.State == stateWaiting {
				t.Errorf("the second process is %+v", s)
			}
		})
	}
}

// TestAStartKnowsRareWindows: also the report of a day that many others have
// followed is there in a process that starts.
func TestAStartKnowsRareWindows(t *testing.T) {
	o := testCore(t)
	o.Windows.Zone = time.FixedZone("", -30) // 30 s from now it is midnight
	o.Windows.Windows = []drift.WindowSpec{{Name: "12s", Length: 12 * time.Second}, {Name: "1d", Calendar: "1d"}}
	o.Judge.Windows = o.Windows.Windows
	log := testDeltas(&o, 600, 700, 700)
	for name, open := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			summedUp(t, p, o, log)
			ctx, stop := context.WithCancel(t.Context())
			var reports Reports
			var reading sync.WaitGroup
			defer reading.Wait()
			defer stop()
			reading.Go(func() { reports.Follow(ctx, p.Reader(), quiet) })
			eventually(t, "the report of the day", func() bool { return len(reports.Latest()) == 2 })
			var published Reports
			for _, record := range p.Reports(t) {
				if err := published.Take(record); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "they are the latest", func() bool { return reflect.DeepEqual(reports.Latest(), published.Latest()) })
		})
	}
}
