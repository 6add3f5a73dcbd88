package broker

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Changed asks with one request whether topics are as they were found, and says
// which is gone, was made anew, or may not be used any more. It knows nothing of
// a cluster that does not answer, or has no answer for the moment: that passes,
// and is Liveness' to tell.
func Changed(ctx context.Context, client *kgo.Client, found []FoundTopic) error {
	topics := make([]Topic, len(found))
	for i := range found {
		topics[i] = found[i].Topic
	}
	now, err := find(ctx, client, topics)
	if err != nil {
		return nil
	}
	for i := range now {
		f, denied := &now[i], now[i].Denied()
		switch {
		case denied != nil && Diagnose(denied).Kind == Denied:
			return denied
		case f.Err != nil:
		case !f.Exists():
			return &missing{fmt.Sprintf("topic %s (%s) was deleted", f.Name, f.Role)}
		case f.ID != found[i].ID:
			return fmt.Errorf("topic %s (%s) was deleted and created again", f.Name, f.Role)
		}
	}
	return nil
}
