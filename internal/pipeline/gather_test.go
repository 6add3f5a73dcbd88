package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What comes while the broker ends the last transaction is scored in one run with what
// was there before. An event comes with each transaction's end, and one more when the
// broker is asked whether it is done, which it is some questions later. The worker
// may be slow, so that it is tried with more than one transaction.
func TestEventsThatComeMeanwhileAreScoredTogether(t *testing.T) {
	const enough = 10 // questions
	s, m := newKfake(t), &doubler{}
	s.Create(t, 1, 1)
	type late struct {
		x   float32
		run int // the first one after the last transaction
	}
	var (
		x, runs, asked int // of the cluster's one goroutine
		came           = make(chan late, 1000)
	)
	publish := func() {
		x++
		s.client.Produce(t.Context(), &kgo.Record{Topic: s.Source(), Value: fmt.Appendf(nil, `{"x":%d}`, x)}, nil)
	}
	s.fake.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.fake.KeepControl()
		if runs, asked = m.attempts(), 0; x < cap(came) {
			publish()
		}
		return nil, nil, false
	})
	s.fake.ControlKey(int16(kmsg.DescribeTransactions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		s.fake.KeepControl()
		state := kmsg.NewDescribeTransactionsResponseTransactionState()
		state.TransactionalID, state.State = req.(*kmsg.DescribeTransactionsRequest).TransactionalIDs[0], "CompleteCommit"
		if asked++; asked < enough {
			state.State = "PrepareCommit"
		}
		if asked == 1 && x < cap(came) {
			publish()
			came <- late{float32(x), runs}
		}
		resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
		resp.TransactionStates = append(resp.TransactionStates, state)
		return resp, nil, true
	})
	s.Publish(t, numbered(1, 1, 1)...)
	pipelineOf(t, s, true, m)
	var all []late
	eventually(t, "a run of both", func() error {
		for len(came) > 0 {
			all = append(all, <-came)
		}
		for _, l := range all {
			if rows := m.run(l.run); len(rows) > 1 && slices.Contains(rows, l.x) {
				return nil
			}
		}
		return errors.New("none so far")
	})
}
