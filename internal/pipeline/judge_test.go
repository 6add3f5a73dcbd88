package pipeline

import (
	"context"
	"fmt"
	"testing"
)

// TestJudgeOfGivingUp: that the client gave a request up is no reason.
func TestJudgeOfGivingUp(t *testing.T) {
	reason, heals := new(Pipeline).judge(fmt.Errorf("poll: %w", context.Canceled))
	if reason != "the session ended" || !heals {
		t.Errorf("got %q, heals %t", reason, heals)
	}
}
