//go:build kafka

package pipeline_test

import (
	"fmt"
	"testing"

	"github.com/penstock/penstock/internal/kafkatest"
)

// TestKafka runs the contracts on a real Apache Kafka, each with names of its
// own.
func TestKafka(t *testing.T) {
	node := kafkatest.ForTest(t, kafkatest.Options{})
	n := 0
	open := func(t testing.TB) *kafkaStream {
		n++
		s := newKafkaStream(t, node.Addr(kafkatest.Plaintext))
		s.prefix = fmt.Sprintf("c%d-", n)
		s.seed = node.Addr(kafkatest.Proxied)
		s.away = func() (back func()) {
			node.Proxy().Cut()
			return func() {
				if err := node.Proxy().Restore(); err != nil {
					t.Error(err)
				}
			}
		}
		return s
	}
	runContract(t, true, func(t testing.TB) stream { return open(t) })
	t.Run("alone", func(t *testing.T) { runKafka(t, open) })
}
