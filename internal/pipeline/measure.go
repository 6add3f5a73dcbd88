package pipeline

import (
	"time"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/telemetry"
)

// measured is a model whose runs are counted for one worker.
type measured struct {
	inference.Model
	counts *telemetry.Worker
}

// NewRunner implements inference.Model.
func (m measured) NewRunner() (inference.Runner, error) {
	r, err := m.Model.NewRunner()
	if err != nil {
		return nil, err
	}
	return &measuredRunner{r, m.counts}, nil
}

type measuredRunner struct {
	inference.Runner
	counts *telemetry.Worker
}

// Run implements inference.Runner.
func (r *measuredRunner) Run(in, out []*inference.Tensor, limit time.Duration) error {
	start := time.Now()
	err := r.Runner.Run(in, out, limit)
	r.counts.InferenceDuration.Observe(time.Since(start).Seconds())
	if len(in) > 0 && len(in[0].Shape) > 0 {
		r.counts.BatchRows.Observe(float64(in[0].Shape[0]))
	}
	return err
}
