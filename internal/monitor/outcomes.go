package monitor

import (
	"log/slog"
	"time"

	"github.com/penstock/penstock/internal/telemetry"
)

// expiredPause is between two lines of the log about events that expired.
const expiredPause = time.Minute

// outcomes tell what became of events that are not simply rows of their windows: a
// process's metrics, and the log where no report does.
type outcomes struct {
	log     *slog.Logger
	metrics *telemetry.DriftEvents
	unsaid  int64     // events that expired since the log said so
	said    time.Time // when that was
}

// committed counts what became of events since before.
func (o *outcomes) committed(before, now Counts, at time.Time) {
	o.metrics.Late.Add(now.Late - before.Late)
	o.metrics.Expired.Add(now.Expired - before.Expired)
	o.metrics.Lost.Add(now.Lost - before.Lost)
	o.metrics.Duplicate.Add(now.Duplicate - before.Duplicate)
	o.metrics.Overlap.Add(now.Overlap - before.Overlap)
	o.unsaid += now.Expired - before.Expired
	if o.unsaid == 0 || at.Sub(o.said) < expiredPause {
		return
	}
	o.log.Warn("events came too late for every window, and no report of drift tells of them; where a backlog pauses for longer than drift.idle, raise that", "events", o.unsaid)
	o.unsaid, o.said = 0, at
}
