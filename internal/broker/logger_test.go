package broker

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestLoggerSparesRepeats writes the first line of a kind at once, and then one a
// minute that says how many were left out.
func TestLoggerSparesRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		l := newLogger(slog.New(slog.NewTextHandler(&text, nil)))
		for i := range 1000 { // for 100 s
			l.Log(kgo.LogLevelWarn, "unable to dial", "broker", i)
			time.Sleep(100 * time.Millisecond)
		}
		l.Log(kgo.LogLevelError, "another kind")
		got := strings.Split(strings.TrimSpace(text.String()), "\n")
		for i, want := range []string{`msg="kafka: unable to dial" broker=0`, fmt.Sprintf(`broker=600 like_it_left_out=%d`, 599), `msg="kafka: another kind"`} {
			if i >= len(got) || !strings.HasSuffix(got[i], want) {
				t.Fatalf("line %d is not %s:\n%s", i, want, text.String())
			}
		}
		if len(got) != 3 {
			t.Errorf("there is more:\n%s", text.String())
		}
	})
}
