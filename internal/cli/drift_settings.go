package cli

import (
	"fmt"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/config"
)

// windowsSettings say how a pipeline's counts are summed.
func windowsSettings(d *config.Drift) (drift.WindowsConfig, error) {
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		return drift.WindowsConfig{}, fmt.Errorf("drift.zone: %w", err)
	}
	return drift.WindowsConfig{
		Windows: windowSpecs(d),
		Pane:    d.Pane, Lateness: d.Lateness, Idle: d.Idle, Zone: zone,
		Collect: d.Reference.First, CollectRows: int64(d.MinRows),
	}, nil
}

// judgeSettings say what is an alarm.
func judgeSettings(d *config.Drift, windows []drift.WindowSpec) drift.JudgeConfig {
	return drift.JudgeConfig{
		FalseAlarms: d.FalseAlarms.Count, Per: periods[d.FalseAlarms.Per],
		Effect: d.Effect, MinRows: int64(d.MinRows), Windows: windows,
	}
}
