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
	if p.Drift != nil {
		all = append(all, right{
			operations: []kadm.ACLOperation{kadm.OpRead}, resource: "group", name: p.Source.Group + ".", prefixed: true,
			path: []string{"drift"}, has: verdictUnknown,
		}, right{
			operations: []kadm.ACLOperation{kadm.OpWrite, kadm.OpDescribe}, resource: "transactional-id",
			name: strings.TrimSuffix(broker.TransactionalID(p.Source.Group+".monitor.", ""), "/"), prefixed: true,
			path: []string{"drift"}, has: verdictUnknown,
		})
	}
	if p.Delivery == exactlyOnce {
		all = append(all, right{
			operations: []kadm.ACLOperation{kadm.OpWrite, kadm.OpDescribe}, resource: "transactional-id",
			name: broker.TransactionalID(p.Source.Group, ""), prefixed: true,
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
			err = settled(ctx, func() error { return askGroup(ctx, client, r.name) })
			r.has = rightAfter(err)
		default:
			err = settled(ctx, func() error { return askTransaction(ctx, client, p, r.name+"probe") })
			r.has = rightAfter(err)
		}
		if r.has == verdictUnknown && err != nil {
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

// rightAfter is what the answer to a request says of the right to make it.
func rightAfter(err error) verdict {
	switch {
	case err == nil:
		return verdictOK
	case broker.Diagnose(err).Kind == broker.Denied:
		return verdictMissing
	}
	return verdictUnknown
}

// askGroup gives an error that is Denied when the user may not read the group.
func askGroup(ctx context.Context, client *kgo.Client, group string) error {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	req.IncludeAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("ask for group %s: %w", group, err)
	}
	for _, g := range resp.Groups {
		may := kadm.DecodeACLOperations(g.AuthorizedOperations)
		if g.ErrorCode == 0 && g.AuthorizedOperations != broker.UnknownRights && !slices.Contains(may, kadm.OpRead) {
			return &broker.Refusal{Right: "Read", Resource: "group " + group, Err: kerr.GroupAuthorizationFailed}
		}
	}
	return probeGroup(ctx, client, group)
}

// probeGroup sends the heartbeat of a member that there is not: the group is
// left as it is, and one that has never been used answers too.
func probeGroup(ctx context.Context, client *kgo.Client, group string) error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID = group, "penstock-probe"
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err == nil || errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	return fmt.Errorf("ask for group %s: %w", group, err)
}

// askTransaction begins a producer under an id that no worker has: their names
// end in a number. The broker does not tell such rights otherwise. A timeout
// that it does not take is no matter of rights.
func askTransaction(ctx context.Context, client *kgo.Client, p *config.Pipeline, id string) error {
	err := probeTransaction(ctx, client, p, id)
	if errors.Is(err, kerr.InvalidTransactionTimeout) {
		return nil
	}
	return err
}

func probeTransaction(ctx context.Context, client *kgo.Client, p *config.Pipeline, id string) error {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = &id
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
