package cli

import (
	"context"
	"io"
	"time"
)

// positions is where a pipeline stands.
type positions interface {
	print(w io.Writer) error
	// idle refuses when the pipeline has workers.
	idle() error
	// reset moves all to earliest, latest or, for any other to, the time since.
	reset(ctx context.Context, to string, since time.Time) error
	close()
}

// openPositions asks where the pipeline stands. The caller closes it.
func (s *session) openPositions(ctx context.Context, path string, set []string) (positions, error) {
	f, err := s.loadPipeline(path, set)
	if err != nil {
		return nil, err
	}
	if f.Pipeline.Broker.Kafka != nil {
		return openKafkaPositions(ctx, f.Path, &f.Pipeline)
	}
	return s.openNATSPositions(ctx, &f.Pipeline)
}
