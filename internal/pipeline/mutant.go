package pipeline

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
)

// publishCounts publishes a record of what was counted, in the epoch unless the
// mutant deltas-outside-commit is at work.
func (w *worker) publishCounts(ctx context.Context, r *penstock.Record) error {
	if failpoint.Mutant(broker.DeltasOutsideCommit) {
		defer failpoint.Hit("committed-early")
		return w.session.(outside).publishOutside(ctx, r)
	}
	return w.session.Publish(ctx, r)
}

// outside is a session that can publish at once, whatever becomes of the epoch.
type outside interface {
	publishOutside(ctx context.Context, r *penstock.Record) error
}

func (s *kafkaSession) publishOutside(ctx context.Context, r *penstock.Record) error {
	return broker.PublishOutside(ctx, s.session, &kgo.Record{Topic: r.Topic, Value: r.Value})
}

func (s *natsSession) publishOutside(ctx context.Context, r *penstock.Record) error {
	_, err := s.session.JS.Publish(ctx, r.Topic, r.Value)
	return err
}
