//go:build kafka || nats

package faults

import "time"

// judgeDrift waits until all windows have closed, and holds the last revision of
// each to what the test itself counts, and to what an undisturbed process says of
// the same events. Of a mutant the counts tell enough.
func (st *stage) judgeDrift() *driftVerdict {
	st.Helper()
	st.drained()
	beside := st.name + "-calm"
	var calm *process
	if st.mutant == "" {
		calm = st.calm(beside)
	}
	st.broker.settled()
	events := st.broker.events()
	st.expect(events)
	want := countWindows(events)
	v := &driftVerdict{}
	got := st.closed(v, st.name, want)
	v.checkRows(want, got)
	if calm != nil {
		v.checkSame(got, st.closed(&driftVerdict{}, beside, want))
		calm.stop(30 * time.Second)
	}
	if v.alarms == 0 {
		v.tell("the shift gave no alarm")
	}
	st.Logf("%v", v)
	return v
}

// calm runs one process on the same events, which nothing disturbs.
func (st *stage) calm(pipeline string) *process {
	st.Helper()
	var args []string
	for _, set := range st.broker.beside(pipeline) {
		args = append(args, "--set", set)
	}
	p := st.newProcess("calm", args...)
	p.calm = true
	p.start()
	return p
}

// closed waits until the last window of a pipeline has been reported: those before
// it have been, and nothing can correct them any more, for it closes by the clock
// when all partitions are known to be at their ends.
func (st *stage) closed(v *driftVerdict, pipeline string, want windows) map[int64]*reported {
	st.Helper()
	last := want.last()
	var all map[int64]*reported
	for deadline := time.Now().Add(settleTime); ; time.Sleep(300 * time.Millisecond) {
		st.alive()
		all = lastRevisions(v, st.broker.reports(pipeline))
		if all[last] != nil {
			return all
		}
		if time.Now().After(deadline) {
			v.tell("%s: %d windows have closed, and not the last one, up to %v", pipeline, len(all), time.UnixMilli(last).UTC())
			return all
		}
		*v = driftVerdict{}
	}
}
