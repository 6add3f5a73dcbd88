package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// CreateStreams makes those of the streams that are missing, the source first;
// with ownOnly, the pipeline's own alone. That has as many replicas as the source,
// so that it is not made before the source is there. One that somebody else makes
// meanwhile is fine. It gives what it made, also when it could not make all.
func CreateStreams(ctx context.Context, js jetstream.JetStream, found []FoundStream, ownOnly bool) (made []Stream, err error) {
	var failed []error
	replicas := 0 // of the source; 0: it is not there
	for i := range found {
		f := &found[i]
		if f.Role == RoleSource && f.Exists() {
			replicas = f.Has.Replicas
		}
		if f.Exists() || f.Err != nil || ownOnly && !f.Own || f.Own && replicas == 0 {
			continue
		}
		settings := f.Settings
		settings.Replicas = max(replicas, 1)
		has, err := createStream(ctx, js, settings)
		switch {
		case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
		case err != nil:
			failed = append(failed, err)
		default:
			made = append(made, f.Stream)
		}
		if f.Role == RoleSource {
			replicas = has
		}
	}
	return made, errors.Join(failed...)
}

// createStream gives the replicas that the stream has, also where somebody else
// was faster; 0 where it is not known.
func createStream(ctx context.Context, js jetstream.JetStream, settings jetstream.StreamConfig) (replicas int, err error) {
	if len(settings.Subjects) == 0 {
		return 0, fmt.Errorf("create stream %s: it needs subjects: give source.filter_subjects, or create it yourself", settings.Name)
	}
	_, err = js.CreateStream(ctx, settings)
	switch {
	case err == nil:
		return settings.Replicas, nil
	case !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
		return 0, fmt.Errorf("create stream %s: %w", settings.Name, reason(ctx, err))
	}
	if there, lookErr := js.Stream(ctx, settings.Name); lookErr == nil {
		replicas = there.CachedInfo().Config.Replicas
	}
	return replicas, err
}
