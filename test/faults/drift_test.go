//go:build kafka || nats

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock/penstock/internal/cardevents"
)

// A window closes by its events' own time while they flow, and by the clock soon
// after the last one, for events are a little older than their records.
const (
	driftIdle   = 4 * time.Second
	driftAge    = 7 * time.Second
	shiftedFrom = 4000 // the number of the first event that is drawn otherwise
)

// age is how much older event n is than its record: a few are late, of which some
// correct a window that has closed, and some are too late for that.
func age(n int) time.Duration {
	switch n % 101 {
	case 17:
		return driftAge + driftLateness/2
	case 53:
		return driftAge + driftLateness + 2*driftPane
	}
	return driftAge
}

func (st *stage) driftConfig() string {
	return fmt.Sprintf("drift: {reference: %q, pane: %s, windows: [%s], lateness: %s, idle: %s}\n",
		st.reference(), driftPane, driftWindow, driftLateness, driftIdle)
}

func (st *stage) reference() string { return filepath.Join(st.dir, "reference.json") }

// referenceData is made by the first stage that needs it: they all have the same
// model.
var referenceData struct {
	sync.Mutex
	data []byte
}

// makeReference writes that of events as they are before the shift, over some
// minutes.
func (st *stage) makeReference() {
	st.Helper()
	referenceData.Lock()
	defer referenceData.Unlock()
	if referenceData.data == nil {
		const rows, step = 20_000, 30 * time.Millisecond
		events := cardevents.New(cardevents.Options{Seed: 9})
		var text bytes.Buffer
		for n := range rows {
			_, value := events.Next(nil, time.Unix(1_700_000_000, 0).Add(time.Duration(n)*step))
			text.Write(append(value, '\n'))
		}
		file := filepath.Join(st.dir, "normal.jsonl")
		if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
			st.Fatal(err)
		}
		counts := exec.Command(shared.binary, "drift", "reference", st.config, file, "-o", st.reference(), "-q")
		said, err := counts.CombinedOutput()
		if err == nil {
			referenceData.data, err = os.ReadFile(st.reference())
		}
		if err != nil {
			st.Fatalf("%v: %v\n%s", counts, err, said)
		}
	}
	if err := os.WriteFile(st.reference(), referenceData.data, 0o600); err != nil {
		st.Fatal(err)
	}
}

// driftStorm is a plan of kills while drift is watched.
type driftStorm struct {
	kills   int      // that cut an open epoch, half of them of the process that watches
	zombies int      // that watched, frozen until others did
	points  []string // failpoints, each of which kills a process
	rate    int
	mutant  string
}

// run rages while events flow.
func (s driftStorm) run(t *testing.T, on opener) *driftVerdict {
	t.Helper()
	failpoints := keepOpen
	if s.mutant != "" {
		failpoints = keepMistaken
	}
	st := newStage(t, on, setting{failpoints: failpoints, mutant: s.mutant, drift: true, sessionTimeout: 3 * time.Second})
	st.makeReference()
	start := time.Now()
	f := st.feed(s.rate) // first, lest the clock should close the windows of events to come
	workers := st.processes("a", "b")
	st.joined(len(workers) * st.members)
	faults, watchers := &tally{}, 0
	for faults.kills < s.kills {
		p := st.watcher()
		if watchers > faults.kills/2 {
			p = st.other(p)
		} else {
			watchers++
		}
		storm{}.killWorker(st, p, faults)
		p.start()
	}
	for faults.zombies < s.zombies {
		storm{}.freeze(st, st.watcher(), faults)
	}
	for _, point := range s.points {
		st.dieAt(point)
	}
	for time.Since(start) < 2*driftWindow/3 { // so that there are windows of either kind of events
		time.Sleep(50 * time.Millisecond)
	}
	f.stop()
	faults.sent, faults.took = f.sent.Load(), time.Since(start)
	v := st.judgeDrift()
	t.Logf("%v; %d of the kills were of the process that watched, and %d times one died at a failpoint; %s in all",
		faults, watchers, len(s.points), time.Since(start).Round(100*time.Millisecond))
	return v
}

// watcher waits until a process watches drift, and gives the one that began to
// last.
func (st *stage) watcher() (last *process) {
	st.Helper()
	st.eventually(settleTime, "a process watches drift", func() bool {
		st.alive()
		var latest time.Time
		for _, p := range st.workers {
			if began, ok := p.watches(); ok && began.After(latest) {
				latest, last = began, p
			}
		}
		return last != nil
	})
	return last
}

// watches tells whether the process has begun to watch drift in its present life,
// and when last.
func (p *process) watches() (began time.Time, ok bool) {
	p.st.Helper()
	text, err := os.ReadFile(p.logFile())
	if err != nil {
		p.st.Fatal(err)
	}
	said := string(text[p.born:])
	at := strings.LastIndex(said, "this process watches drift now")
	if at < 0 {
		return time.Time{}, false
	}
	line := said[strings.LastIndexByte(said[:at], '\n')+1 : at]
	_, rest, _ := strings.Cut(line, "time=")
	stamp, _, _ := strings.Cut(rest, " ")
	if began, err = time.Parse(time.RFC3339Nano, stamp); err != nil {
		p.st.Fatalf("%q: %v", line, err)
	}
	return began, true
}

func (st *stage) other(p *process) *process {
	for _, o := range st.workers {
		if o != p {
			return o
		}
	}
	return nil
}

// dieAt has processes come to a failpoint until one dies there, and starts all
// anew without it. Only the one that watches comes to some.
func (st *stage) dieAt(point string) {
	st.Helper()
	for _, p := range st.workers {
		p.kill()
		p.deadly = point
		p.start()
		p.killed = true // or soon will be
	}
	st.eventually(settleTime, "a process dies at "+point, func() bool {
		for _, p := range st.workers {
			if p.exited() {
				if p.cmd.ProcessState.ExitCode() >= 0 {
					st.Fatalf("%s ended by itself\n%s", p.instance, p.tail())
				}
				return true
			}
		}
		return false
	})
	for _, p := range st.workers {
		p.kill()
		p.deadly = ""
		p.start()
	}
}
