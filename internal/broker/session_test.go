package broker

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestClientTakesWhatAConfigMay: whatever the config's schema allows the client
// does too, or the pipeline would wait for ever.
func TestClientTakesWhatAConfigMay(t *testing.T) {
	for _, bytes := range []int64{1, 64 << 10, 50 << 20, 101 << 20, 1 << 30, 1 << 40} {
		for _, timeout := range []time.Duration{time.Second, 10 * time.Second, 24 * time.Hour} {
			s := &Session{o: SessionOptions{
				Connect: []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")}, Topics: []string{"in"}, Group: "g", MemberID: "g-a-0",
				ExactlyOnce: true, SessionTimeout: timeout, TransactionTimeout: timeout, FetchMaxBytes: bytes,
				Compression: kgo.NoCompression(), Limits: NewLimits(), Liveness: &Liveness{},
			}}
			if err := kgo.ValidateOpts(s.options()...); err != nil {
				t.Errorf("fetch_max_bytes %d, timeouts %s: %v", bytes, timeout, err)
			}
		}
	}
}
