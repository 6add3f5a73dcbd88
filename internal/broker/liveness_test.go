package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestLiveness(t *testing.T) {
	const patience = 10 * time.Second
	refused := errors.New("connection refused")
	answer := func(l *Liveness) { l.OnBrokerE2E(kgo.BrokerMetadata{}, 0, kgo.BrokerE2E{}) }
	connect := func(l *Liveness) { l.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, nil) }
	unwritten := func(l *Liveness) { l.OnBrokerE2E(kgo.BrokerMetadata{}, 0, kgo.BrokerE2E{WriteErr: refused}) }
	fail := func(l *Liveness) { l.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, refused) }
	own := func(l *Liveness) {
		l.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, fmt.Errorf("unable to dial: %w", context.Canceled))
		l.OnBrokerE2E(kgo.BrokerMetadata{}, 0, kgo.BrokerE2E{ReadErr: net.ErrClosed})
	}
	for name, c := range map[string]struct {
		was    []func(*Liveness)
		after  time.Duration
		silent bool
		err    error
	}{
		"nothing yet":                {nil, 0, true, nil},
		"never there":                {[]func(*Liveness){fail}, 0, true, refused},
		"answers":                    {[]func(*Liveness){fail, answer}, 5 * time.Second, false, nil},
		"one broker of several away": {[]func(*Liveness){answer, fail}, time.Second / 2, false, refused},
		"gone":                       {[]func(*Liveness){answer, fail}, 2 * time.Second, true, refused},
		"a write fails":              {[]func(*Liveness){answer, unwritten}, 2 * time.Second, true, refused},
		"a connection is no answer":  {[]func(*Liveness){answer, fail, connect}, 2 * time.Second, true, refused},
		"what the client gives up":   {[]func(*Liveness){answer, fail, own}, 2 * time.Second, true, refused},
		"that alone is no trouble":   {[]func(*Liveness){answer, own}, 2 * time.Second, false, nil},
		"gone without a word":        {[]func(*Liveness){answer}, 11 * time.Second, true, nil},
	} {
		var l Liveness
		for _, f := range c.was {
			f(&l)
			time.Sleep(time.Millisecond) // the clock tells one from the other
		}
		_, silent, err := l.Silent(time.Now().Add(c.after), patience)
		if silent != c.silent || silent && !errors.Is(err, c.err) {
			t.Errorf("%s: silent %v with %v, want %v with %v", name, silent, err, c.silent, c.err)
		}
	}
}
