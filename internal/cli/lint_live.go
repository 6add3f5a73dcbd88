package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// lintLive asks the broker whether the pipeline can run on it. The error is
// for a broker that cannot be asked.
func lintLive(ctx context.Context, f *config.File) ([]inference.Problem, error) {
	switch b := f.Pipeline.Broker; {
	case b.Kafka != nil:
		return lintKafka(ctx, &f.Pipeline)
	case b.NATS != nil:
		return lintNATS(ctx, &f.Pipeline)
	case b.Embedded != nil:
		return []inference.Problem{{Path: []string{"broker", "embedded"}, Warning: true, Message: "--live asks nothing of broker.embedded: " + embeddedStreams}}, nil
	}
	return []inference.Problem{{Path: []string{"broker"}, Warning: true, Message: "--live asks the broker, and there is none"}}, nil
}

func lintKafka(ctx context.Context, p *config.Pipeline) ([]inference.Problem, error) {
	client, err := connect(p)
	if err != nil {
		return []inference.Problem{{Path: []string{"broker", "kafka"}, Message: err.Error()}}, nil
	}
	defer client.Close()
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	l := &liveLint{client: client, p: p}
	err = l.ask(asking)
	switch d := broker.Diagnose(err); {
	case err == nil:
		return l.problems, nil
	case d.Kind == broker.Denied:
		return append(l.problems, inference.Problem{Path: []string{"broker", "kafka"}, Message: err.Error(), Hint: d.Hint}), nil
	}
	return nil, explained(ctx, err)
}

// liveLint is one look at the cluster.
type liveLint struct {
	client   *kgo.Client
	p        *config.Pipeline
	problems []inference.Problem
}

func (l *liveLint) report(path []string, hint, format string, args ...any) {
	l.problems = append(l.problems, inference.Problem{Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (l *liveLint) ask(ctx context.Context) error {
	needed := broker.NeededTopics(l.p)
	found, err := broker.Inspect(ctx, l.client, needed)
	if err != nil {
		return err
	}
	l.problems = append(l.problems, problemsOf(l.p, broker.Compare(found))...)
	rights := neededRights(l.p, needed)
	if err := checkRights(ctx, l.client, l.p, rights, found); err != nil {
		return err
	}
	for i := range rights {
		if r := &rights[i]; r.has == verdictMissing {
			l.report(r.path, "grant it with kafka-acls.sh --add "+r.arguments(principal(l.p.Broker.Kafka)), "the user lacks %s", r.text())
		}
	}
	return l.timeouts(ctx)
}

// problemsOf places findings in the config, but for what the start mends.
func problemsOf(p *config.Pipeline, findings []broker.Finding) []inference.Problem {
	var all []inference.Problem
	for _, finding := range findings {
		switch {
		case finding.Denied: // told as a missing right
		case !finding.Missing:
			all = append(all, problemOf(&finding))
		case !finding.Own && !p.CreateTopics: // the others are made at the start
			finding.Hint = "penstock topics CONFIG --create makes it"
			all = append(all, problemOf(&finding))
		}
	}
	return all
}

// timeouts holds the config's against the broker's bounds.
func (l *liveLint) timeouts(ctx context.Context) error {
	limits, err := l.brokerSettings(ctx)
	if err != nil {
		return err
	}
	if l.p.Delivery == exactlyOnce {
		most, known := limits[maxTransactionTimeout]
		if !known && errors.Is(probeTransaction(ctx, l.client, l.p, broker.TransactionalID(l.p.Source.Group, "probe")), kerr.InvalidTransactionTimeout) {
			l.report([]string{"transaction_timeout"}, "", "transaction_timeout (%s) is above the broker's %s", l.p.TransactionTimeout, maxTransactionTimeout)
		}
		if known && l.p.TransactionTimeout > most {
			l.report([]string{"transaction_timeout"}, "", "transaction_timeout (%s) is above the broker's %s (%s)", l.p.TransactionTimeout, maxTransactionTimeout, most)
		}
	}
	at := []string{"source", "session_timeout"}
	if least, known := limits[minSessionTimeout]; known && l.p.Source.SessionTimeout < least {
		l.report(at, "", "session_timeout (%s) is below the broker's %s (%s)", l.p.Source.SessionTimeout, minSessionTimeout, least)
	}
	if most, known := limits[maxSessionTimeout]; known && l.p.Source.SessionTimeout > most {
		l.report(at, "", "session_timeout (%s) is above the broker's %s (%s)", l.p.Source.SessionTimeout, maxSessionTimeout, most)
	}
	return nil
}

// The broker's bounds that a config can break, in milliseconds.
const (
	minSessionTimeout     = "group.min.session.timeout.ms"
	maxSessionTimeout     = "group.max.session.timeout.ms"
	maxTransactionTimeout = "transaction.max.timeout.ms"
)

// brokerSettings are a broker's bounds, none where the user may not ask for
// them.
func (l *liveLint) brokerSettings(ctx context.Context) (map[string]time.Duration, error) {
	admin := kadm.NewClient(l.client)
	nodes, err := admin.ListBrokers(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the broker for its peers: %w", err)
	}
	limits := map[string]time.Duration{}
	if len(nodes) == 0 {
		return limits, nil
	}
	configs, err := admin.DescribeBrokerConfigs(ctx, nodes[0].NodeID)
	switch {
	case broker.Diagnose(err).Kind == broker.Denied && err != nil:
		return limits, nil
	case err != nil:
		return nil, fmt.Errorf("ask the broker for its settings: %w", err)
	}
	for _, resource := range configs {
		for _, c := range resource.Configs {
			switch c.Key {
			case minSessionTimeout, maxSessionTimeout, maxTransactionTimeout:
				if ms, err := strconv.ParseInt(c.MaybeValue(), 10, 64); err == nil {
					limits[c.Key] = time.Duration(ms) * time.Millisecond
				}
			}
		}
	}
	return limits, nil
}
