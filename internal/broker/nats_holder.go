package broker

import (
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// LeaseHolder is the worker that has the lease of a filter, as the pipeline's own
// stream has it; empty: nobody.
func LeaseHolder(ctx context.Context, own jetstream.Stream, s Subjects, filter string) (string, error) {
	held, err := Last[claim](ctx, own, s.Lease(filter))
	if err != nil || held == nil {
		return "", err
	}
	return held.Value.Owner, nil
}

// GroupMembers are the workers that are there, or were within their TTL.
func GroupMembers(ctx context.Context, own jetstream.Stream, s Subjects) ([]string, error) {
	info, err := own.Info(ctx, jetstream.WithSubjectFilter(s.Of("member")))
	if err != nil {
		return nil, fmt.Errorf("look up the members of the group: %w", err)
	}
	var all []string
	for subject := range info.State.Subjects {
		held, err := Last[claim](ctx, own, subject)
		if err != nil {
			return nil, err
		}
		if held != nil && held.Value.Owner != "" {
			all = append(all, held.Value.Owner)
		}
	}
	slices.Sort(all)
	return all, nil
}
