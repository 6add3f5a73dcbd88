package monitor

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/failpoint"
)

// sayFirst takes an output's reports and publishes them at once, if the mutant
// reports-outside-commit is at work.
func sayFirst(ctx context.Context, s Session, out *Output) error {
	if !failpoint.Mutant(broker.ReportsOutsideCommit) {
		return nil
	}
	for _, r := range out.Reports {
		if err := s.(outside).publishReport(ctx, r); err != nil {
			return err
		}
		failpoint.Hit("drift-said")
	}
	out.Reports = nil
	return nil
}

// outside is a session that can publish at once, whatever becomes of the commit.
type outside interface {
	publishReport(ctx context.Context, r Published) error
}

func (s *kafkaSession) publishReport(ctx context.Context, r Published) error {
	return broker.PublishOutside(ctx, s.session, &kgo.Record{Topic: s.o.Topics.Reports, Key: r.Key, Value: r.Value})
}

func (s *natsSession) publishReport(ctx context.Context, r Published) error {
	_, err := s.JS.Publish(ctx, s.o.Subjects.Reports(), r.Value)
	return err
}
