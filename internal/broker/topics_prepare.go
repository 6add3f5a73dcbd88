package broker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Preparation says what topics somebody needs, and what is done about them.
type Preparation struct {
	Topics []Topic
	Create bool   // make what is missing, not only the pipeline's own
	Config string // the config's path, for hints
	Limits *Limits
	Log    *slog.Logger
}

// newTopic is how long a topic may take until all brokers know it.
const newTopic = 100 * time.Millisecond

// Prepare makes the topics that may be made, says which of them are missing, may not be
// used or are not as they must be, and learns their limits.
func (p *Preparation) Prepare(ctx context.Context, client *kgo.Client) ([]FoundTopic, error) {
	found, err := Inspect(ctx, client, p.Topics)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found, func(f FoundTopic) bool { return !f.Exists() }) {
		made, err := Create(ctx, client, found, !p.Create)
		for _, t := range made {
			p.Log.Info("created a topic", "topic", t.Name, "role", t.Role)
		}
		if err != nil {
			return nil, err
		}
		if found, err = p.created(ctx, client); err != nil {
			return nil, err
		}
	}
	for i := range found {
		if err := found[i].Denied(); err != nil {
			return nil, err
		}
	}
	for _, f := range Compare(found) {
		switch {
		case f.Missing:
			return nil, ToCreate(f, p.Config)
		case !f.Warning:
			return nil, &UnfitError{Finding: f}
		}
	}
	for i := range found {
		if n := found[i].MaxMessage(); n > 0 {
			p.Limits.Set(found[i].Name, int32(n))
		}
	}
	return found, nil
}

// created waits until the topics that may be made are known, whichever worker
// or process made them.
func (p *Preparation) created(ctx context.Context, client *kgo.Client) ([]FoundTopic, error) {
	for {
		found, err := Inspect(ctx, client, p.Topics)
		if err != nil {
			return nil, err
		}
		unknown := slices.ContainsFunc(found, func(f FoundTopic) bool {
			return !f.Exists() && f.Err == nil && (f.Own || p.Create)
		})
		if !unknown {
			return found, nil
		}
		select {
		case <-time.After(newTopic):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
