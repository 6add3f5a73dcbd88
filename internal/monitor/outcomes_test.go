package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
)

// pausedBacklog is a stream of 40 seconds that is read half a year later, with a
// pause after the first 30 in which all partitions are idle.
func pausedBacklog(t *testing.T, o *CoreOptions, now int64) []Delta {
	t.Helper()
	log := testDeltas(o, 40, 100, 100)
	const before = 30 * testPartitions
	var paused []Delta
	add := func(d *drift.Delta, clock int64) {
		d.Clock = clock
		paused = append(paused, Delta{Value: d.Encode()[0], Time: clock})
	}
	for _, d := range log[:before] {
		add(decoded(t, d.Value), now)
	}
	for pause := range 3 {
		for _, d := range log[before-testPartitions : before] {
			last := decoded(t, d.Value)
			last.From, last.Idle, last.Panes, last.Horizon = last.To, true, nil, math.MinInt64
			add(last, now+int64(pause)*40_000)
		}
	}
	for _, d := range log[before:] {
		add(decoded(t, d.Value), now+81_000)
	}
	return paused
}

// TestExpiredEventsAreTold: after a pause in which all partitions are idle, windows
// close by the clock, and the rest of a backlog is for none. The metrics say how
// many events that were, also over takeovers, whose commits are made again; the log
// says so once a minute, and of every one.
func TestExpiredEventsAreTold(t *testing.T) {
	o := testCore(t)
	now := epochStart + (180 * 24 * time.Hour).Milliseconds()
	const expired = 10 * testPartitions * 20
	for name, became := range map[string]tear{"undisturbed": whole, "nothing of a commit": nothing} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(pausedBacklog(t, &o, now))
			m.chunk, m.pace = 1, 5*time.Second
			m.tear = func(commit int) tear {
				if commit > 100 && commit%6 == 0 {
					return became
				}
				return whole
			}
			var events telemetry.DriftEvents
			var text bytes.Buffer
			synctest.Test(t, func(t *testing.T) {
				m.idle = make(chan struct{})
				start := time.Now()
				monitor := New(Options{
					Core: o, Broker: m, Timeout: time.Second, Events: &events, Log: slog.New(slog.NewJSONHandler(&text, nil)),
					Now: func() time.Time { return time.UnixMilli(now).Add(time.Since(start)) },
				})
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- monitor.Run(ctx, context.Background()) }()
				<-m.idle
				time.Sleep(2 * time.Minute) // commits go on
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
			if events.Expired.Value() != expired || events.Lost.Value() != 0 || events.Overlap.Value() != 0 {
				t.Errorf("%d expired, %d lost, %d overlap; want %d expired", events.Expired.Value(), events.Lost.Value(), events.Overlap.Value(), expired)
			}
			t.Log(text.String())
			lines, said := 0, 0
			for line := range strings.Lines(text.String()) {
				var warning struct{ Events int }
				if err := json.Unmarshal([]byte(line), &warning); err != nil {
					t.Fatal(err)
				}
				if warning.Events > 0 {
					lines, said = lines+1, said+warning.Events
				}
			}
			if lines < 2 || lines > 5 || said != expired {
				t.Errorf("%d lines with %d events:\n%s", lines, said, &text)
			}
		})
	}
}
