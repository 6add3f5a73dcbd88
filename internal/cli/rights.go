package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/config"
)

// verdict says whether something is as the pipeline needs it.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictMissing verdict = "missing"
	verdictUnknown verdict = "unknown" // the broker does not say
)

// right is one that the pipeline's user needs.
type right struct {
	operations []kadm.ACLOperation
	resource   string // as kafka-acls names it: topic, group, transactional-id
	name       string
	prefixed   bool
	path       []string // of the config, where a problem with it is shown
	has        verdict
}

// neededRights are those that running the pipeline takes, and the commands that
// look at it. Read and Write bring Describe with them.
func neededRights(p *config.Pipeline, topics []broker.Topic) []right {
	var all []right
	for _, t := range topics {
		r := right{resource: "topic", name: t.Name, path: t.Path, has: verdictUnknown}
		switch {
		case t.Role == broker.RoleSource:
			r.operations = []kadm.ACLOperation{kadm.OpRead}
		case t.Own:
			r.operations = []kadm.ACLOperation{kadm.OpRead, kadm.OpWrite}
		default:
			r.operations = []kadm.ACLOperation{kadm.OpWrite}
		}
		if t.Own || p.CreateTopics {
			r.operations = append(r.operations, kadm.OpCreate)
		}
		all = append(all, r)
	}
	all = append(all, right{
		operations: []kadm.ACLOperation{kadm.OpRead}, resource: "group", name: p.Source.Group,
		path: []string{"source", "group"}, has: verdictUnknown,
	})
	if p.Delivery == exactlyOnce {
		all = append(all, right{
			operations: []kadm.ACLOperation{kadm.OpWrite, kadm.OpDescribe}, resource: "transactional-id",
			name: broker.TransactionalID(p.Source.Group + "-"), prefixed: true,
			path: []string{"delivery"}, has: verdictUnknown,
		})
	}
	return all
}

// exactlyOnce is a value of delivery.
const exactlyOnce = "exactly_once"

// arguments are those of kafka-acls.sh --add that grant the right.
func (r *right) arguments(principal string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "--allow-principal '%s'", principal)
	for _, op := range r.operations {
		fmt.Fprintf(&b, " --operation %s", operationName(op))
	}
	fmt.Fprintf(&b, " --%s %s", r.resource, r.name)
	if r.prefixed {
		b.WriteString(" --resource-pattern-type prefixed")
	}
	return b.String()
}

// text names the right in a sentence.
func (r *right) text() string {
	names := make([]string, len(r.operations))
	for i, op := range r.operations {
		names[i] = operationName(op)
	}
	name := r.name
	if r.prefixed {
		name += "*"
	}
	return fmt.Sprintf("%s on %s %s", strings.Join(names, ", "), r.resource, name)
}

// operationName writes DESCRIBE_CONFIGS as kafka-acls does, DescribeConfigs.
func operationName(op kadm.ACLOperation) string {
	var b strings.Builder
	for word := range strings.SplitSeq(op.String(), "_") {
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String()
}

// principal is who the pipeline is to the broker, as far as the config tells.
func principal(k *config.Kafka) string {
	switch {
	case k.SASL != nil && k.SASL.Username != "":
		return "User:" + k.SASL.Username
	case k.SASL != nil:
		return "User:<the token's subject>"
	case k.TLS != nil && k.TLS.Cert != "":
		return "User:<the certificate's subject>"
	}
	return "User:ANONYMOUS"
}

// checkRights asks the broker which of the rights the user has.
func checkRights(ctx context.Context, client *kgo.Client, p *config.Pipeline, rights []right, found []broker.FoundTopic) error {
	topics := map[string]*broker.FoundTopic{}
	for i := range found {
		topics[found[i].Name] = &found[i]
	}
	for i := range rights {
		r := &rights[i]
		var err error
		switch r.resource {
		case "topic":
			r.has = topicRight(topics[r.name], r.operations)
		case "group":
			r.has, err = groupRight(ctx, client, r)
		default:
			r.has, err = transactionRight(ctx, client, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// topicRight leaves Create to the moment when it is needed: a topic that is
// there takes none.
func topicRight(t *broker.FoundTopic, needed []kadm.ACLOperation) verdict {
	switch {
	case t == nil:
		return verdictUnknown
	case broker.Diagnose(t.Err).Kind == broker.Denied:
		return verdictMissing
	case !t.Exists() || !t.RightsKnown:
		return verdictUnknown
	}
	for _, op := range needed {
		if op != kadm.OpCreate && !slices.Contains(t.Rights, op) {
			return verdictMissing
		}
	}
	return verdictOK
}

func groupRight(ctx context.Context, client *kgo.Client, r *right) (verdict, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{r.name}
	req.IncludeAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return "", fmt.Errorf("ask the broker for group %s: %w", r.name, err)
	}
	for _, g := range resp.Groups {
		err := kerr.ErrorForCode(g.ErrorCode)
		switch told := g.AuthorizedOperations != broker.UnknownRights; {
		case errors.Is(err, kerr.GroupAuthorizationFailed):
			return verdictMissing, nil
		case err == nil && told && slices.Contains(kadm.DecodeACLOperations(g.AuthorizedOperations), kadm.OpRead):
			return verdictOK, nil
		case err == nil && told:
			return verdictMissing, nil
		}
	}
	return probeGroup(ctx, client, r.name)
}

// probeGroup sends the heartbeat of a member that there is not: the group is
// left as it is, and one that has never been used answers too.
func probeGroup(ctx context.Context, client *kgo.Client, group string) (verdict, error) {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID = group, "penstock-probe"
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	switch broker.Diagnose(err).Kind {
	case broker.Denied:
		return verdictMissing, nil
	case broker.Rebuild: // it asks who that is
		return verdictOK, nil
	}
	return "", fmt.Errorf("ask the broker for group %s: %w", group, err)
}

// transactionRight begins a producer under an id that no worker has: their
// names end in a number. The broker does not tell such rights otherwise.
func transactionRight(ctx context.Context, client *kgo.Client, p *config.Pipeline) (verdict, error) {
	err := probeTransaction(ctx, client, p)
	switch {
	case err == nil, errors.Is(err, kerr.InvalidTransactionTimeout):
		return verdictOK, nil
	case broker.Diagnose(err).Kind == broker.Denied:
		return verdictMissing, nil
	}
	return "", err
}

func probeTransaction(ctx context.Context, client *kgo.Client, p *config.Pipeline) error {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = new(broker.TransactionalID(p.Source.Group + "-probe"))
	req.TransactionTimeoutMillis = int32(p.TransactionTimeout.Milliseconds())
	req.ProducerID, req.ProducerEpoch = -1, -1
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("begin a producer with transactions: %w", err)
	}
	return nil
}
