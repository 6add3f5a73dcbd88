package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// CreateStreams makes those of the streams that are missing, the source first,
// since the pipeline's own has as many replicas; with ownOnly, the pipeline's
// own alone. One that somebody else makes meanwhile is fine. It gives what it
// made, also when it could not make all.
func CreateStreams(ctx context.Context, js jetstream.JetStream, found []FoundStream, ownOnly bool) (made []Stream, err error) {
	var failed []error
	replicas := 1
	for i := range found {
		f := &found[i]
		if f.Role == RoleSource && f.Exists() {
			replicas = f.Has.Replicas
		}
		if f.Exists() || f.Err != nil || ownOnly && !f.Own {
			continue
		}
		settings := f.Settings
		settings.Replicas = replicas
		switch err := createStream(ctx, js, settings); {
		case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
		case err != nil:
			failed = append(failed, err)
		default:
			made = append(made, f.Stream)
		}
	}
	return made, errors.Join(failed...)
}

func createStream(ctx context.Context, js jetstream.JetStream, settings jetstream.StreamConfig) error {
	if len(settings.Subjects) == 0 {
		return fmt.Errorf("create stream %s: it needs subjects: give source.filter_subjects, or create it yourself", settings.Name)
	}
	if _, err := js.CreateStream(ctx, settings); err != nil {
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return err
		}
		return fmt.Errorf("create stream %s: %w", settings.Name, reason(ctx, err))
	}
	return nil
}
