package pipeline_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// TestNATSSmallRequests: a server that gives fewer messages a request than is asked
// for otherwise is asked for fewer, for events and for the leases of others.
func TestNATSSmallRequests(t *testing.T) {
	eachDelivery(t, func(t *testing.T, exactlyOnce bool) {
		t.Parallel()
		s := newLimitedNATS(t, server.JSLimitOpts{MaxRequestBatch: 10})
		s.Create(t, 2, 1)
		s.publishFast(t, numbered(1, 100, 2)...)
		toTheEnd(t, s, exactlyOnce)
		r := pipelineOf(t, s, exactlyOnce, &doubler{})
		r.ready()
		pipelineOf(t, s, exactlyOnce, &doubler{}, func(o *setup) { o.open.Instance = "b" }).ready()
		r.stop()
	})
}
