package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// answerTime is how long a command that only asks waits for the cluster. A
// person waits for it, who would rather read what is wrong.
const answerTime = 15 * time.Second

// loadPipeline reads a config that names a broker, for the commands that look at
// what the pipeline reads and writes. When it cannot be used, its problems are
// printed.
func (s *session) loadPipeline(path string, set []string) (*config.File, error) {
	f, err := config.Load(path, config.Options{Purpose: config.ForRun, Set: set, Lookup: s.Lookup})
	if err != nil {
		return nil, &refusal{err}
	}
	if f.Failed() {
		return nil, s.refuse(f, nil)
	}
	return f, nil
}

// connect makes a client of the pipeline's cluster, which is not asked yet. It
// does not log: what goes wrong comes back as an error. Those who work for long
// add broker.LogTo.
func connect(p *config.Pipeline, more ...kgo.Opt) (*kgo.Client, error) {
	options, err := broker.ConnectOptions(p.Broker.Kafka)
	if err != nil {
		return nil, &refusal{err}
	}
	client, err := kgo.NewClient(append(options, more...)...)
	if err != nil {
		return nil, &refusal{fmt.Errorf("connect to broker.kafka: %w", err)}
	}
	return client, nil
}

// settling is how long to leave between two questions to a cluster that is not
// ready yet.
const settling = 100 * time.Millisecond

// settled asks again for as long as the cluster says that it is not ready: the
// first question about a group or a transaction makes it create the topic that
// they are kept in. One that does not answer at all is not asked again.
func settled(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		_, answered := errors.AsType[*kerr.Error](err)
		if !answered || broker.Diagnose(err).Kind != broker.Transient {
			return err
		}
		select {
		case <-time.After(settling):
		case <-ctx.Done():
			return err
		}
	}
}

// aboutTopic makes an error about a topic one that names it and, where the topic
// is not there, says how to make it. path is the config's.
func aboutTopic(path, name string, err error) error {
	if broker.Diagnose(err).Kind == broker.Missing {
		return broker.ToCreate(broker.Finding{Text: fmt.Sprintf("topic %s is missing", name)}, path)
	}
	return fmt.Errorf("ask for topic %s: %w", name, err)
}

// explained adds to an error of the cluster what to do about it.
func explained(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return errors.New("interrupted")
	}
	err = broker.Plain(err)
	if hint := broker.Diagnose(err).Hint; hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}
