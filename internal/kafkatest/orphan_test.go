//go:build kafka

package kafkatest

import (
	"context"
	"testing"

	"github.com/penstock/penstock/internal/brokertest"
)

func TestNoOrphan(t *testing.T) {
	brokertest.NoOrphans(t, func(ctx context.Context) (brokertest.Orphan, string, error) {
		b, err := Start(ctx, Options{})
		if err != nil {
			return nil, "", err
		}
		return b, b.Dir, nil
	})
}
