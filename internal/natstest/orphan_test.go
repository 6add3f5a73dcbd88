//go:build unix

package natstest

import (
	"context"
	"testing"

	"github.com/penstock/penstock/internal/brokertest"
)

func TestNoOrphan(t *testing.T) {
	brokertest.NoOrphans(t, func(ctx context.Context) (brokertest.Orphan, string, error) {
		s, err := Start(ctx, Options{})
		if err != nil {
			return nil, "", err
		}
		return s, s.Dir, nil
	})
}
