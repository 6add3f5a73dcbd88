package cli

import (
	"fmt"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/config"
)

// windowSpec is a config's window as drift knows it.
func windowSpec(w config.Window) drift.WindowSpec {
	return drift.WindowSpec{Name: w.String(), Length: w.Length, Calendar: w.Calendar}
}

// periods are those that a rate may be of; months and years as long as they are
// on average.
var periods = map[string]time.Duration{
	"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
	"month": 31556952 * time.Second / 12, "year": 31556952 * time.Second,
}

// windowsSettings say how a pipeline's counts are summed.
func windowsSettings(d *config.Drift) (drift.WindowsConfig, error) {
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		return drift.WindowsConfig{}, fmt.Errorf("drift.zone: %w", err)
	}
	c := drift.WindowsConfig{Pane: d.Pane, Lateness: d.Lateness, Idle: d.Idle, Zone: zone, Collect: d.Reference.First}
	for _, w := range d.Windows {
		c.Windows = append(c.Windows, windowSpec(w))
	}
	return c, nil
}

// judgeSettings say what is an alarm.
func judgeSettings(d *config.Drift, windows []drift.WindowSpec) drift.JudgeConfig {
	return drift.JudgeConfig{
		FalseAlarms: d.FalseAlarms.Count, Per: periods[d.FalseAlarms.Per],
		Effect: d.Effect, MinRows: int64(d.MinRows), Windows: windows,
	}
}
