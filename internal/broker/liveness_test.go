package broker

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestLiveness(t *testing.T) {
	const patience = time.Minute
	l := &Liveness{}
	if _, err, silent := l.Silent(time.Now(), patience); !silent || err != nil {
		t.Errorf("before anything: %v, silent %t", err, silent)
	}
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	l.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, refused)
	if _, err, silent := l.Silent(time.Now(), patience); !silent || !errors.Is(err, refused) {
		t.Errorf("after a refusal: %v, silent %t", err, silent)
	}
	l.OnBrokerE2E(kgo.BrokerMetadata{}, 0, kgo.BrokerE2E{})
	if _, err, silent := l.Silent(time.Now(), patience); silent || err != nil {
		t.Errorf("after an answer: %v, silent %t", err, silent)
	}
	since, err, silent := l.Silent(time.Now().Add(2*patience), patience)
	if !silent || err != nil || time.Since(since) > patience {
		t.Errorf("after no answer for long: since %v, %v, silent %t", since, err, silent)
	}
	broken := errors.New("broken pipe")
	l.OnBrokerE2E(kgo.BrokerMetadata{}, 0, kgo.BrokerE2E{WriteErr: broken})
	if _, err, silent := l.Silent(time.Now(), patience); !silent || !errors.Is(err, broken) {
		t.Errorf("after a write that failed: %v, silent %t", err, silent)
	}
	l.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, nil)
	if _, _, silent := l.Silent(time.Now(), patience); !silent {
		t.Error("a connection alone is no answer")
	}
}
