package broker

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/penstock/penstock/internal/config"
)

// Subjects are those of a pipeline's own stream on NATS, sink.stream. All but
// the predictions' are below the pipeline's name.
type Subjects struct {
	name  string
	group string // empty: the pipeline's name
	sink  string // a template: {{wildcard(1)}} takes over a part of the event's subject
	// written is a filter of all that sink may become.
	written string
}

// NewSubjects are a pipeline's.
func NewSubjects(p *config.Pipeline) Subjects {
	s := Subjects{name: p.Name}
	if p.Source.Group != p.Name {
		s.group = p.Source.Group
	}
	s.sink, s.written = p.PredictionSubject()
	return s
}

// Predictions is the template of the subjects that predictions go to.
func (s Subjects) Predictions() string { return s.sink }

// Dead is where dead letters go.
func (s Subjects) Dead() string { return s.name + ".dead" }

// Panes is where workers publish what they counted for drift.
func (s Subjects) Panes() string { return s.name + ".panes" }

// Records are filters of all that is made of events. None takes what another does.
func (s Subjects) Records() []string {
	all := []string{s.written}
	for _, subject := range []string{s.Dead(), s.Panes()} {
		if !config.Covers(s.written, subject) {
			all = append(all, subject)
		}
	}
	return all
}

// Reports is where drift reports go.
func (s Subjects) Reports() string { return s.name + ".drift" }

// Alarms is where the begins and ends of alarms go.
func (s Subjects) Alarms() string { return s.name + ".alarms" }

// Latest is the latest report of what a key says, a token.
func (s Subjects) Latest(key string) string { return s.name + ".drift-latest." + key }

// DriftState is a record of a monitor's state, of what it sums and a key; both are
// tokens.
func (s Subjects) DriftState(identity, key string) string {
	return s.name + ".drift-state." + identity + "." + key
}

// ForGroup are the subjects with positions and leases of another group.
func (s Subjects) ForGroup(group string) Subjects {
	s.group = group
	return s
}

// Reference is a part of a model version's frozen reference, which the monitor
// writes and workers read.
func (s Subjects) Reference(model, version string, part int) string {
	return s.name + ".reference." + Token(model) + "." + Token(version) + "." + strconv.Itoa(part)
}

// Position holds where the group stands in what a filter takes.
func (s Subjects) Position(filter string) string { return s.own("position", filter) }

// Lease says which worker reads what a filter takes.
func (s Subjects) Lease(filter string) string { return s.own("lease", filter) }

// Member says that a worker of the group is there.
func (s Subjects) Member(id string) string { return s.own("member", id) }

// Attempt remembers the events of a filter that are about to be scored.
func (s Subjects) Attempt(filter string) string { return s.own("attempt", filter) }

// SentBack remembers which dead letters were sent back.
func (s Subjects) SentBack(block string) string { return s.name + ".sent-back." + Token(block) }

// SentBackBlocks is the filter of all that SentBack gives.
func (s Subjects) SentBackBlocks() string { return s.name + ".sent-back.*" }

// Of is the filter of all subjects of a kind, such as "lease", of this group.
func (s Subjects) Of(kind string) string { return s.prefix(kind) + "*" }

// All is what the pipeline's own stream takes.
func (s Subjects) All() []string {
	all := []string{s.name + ".>"}
	if !strings.HasPrefix(s.written, s.name+".") {
		all = append(all, s.written)
	}
	return all
}

func (s Subjects) own(kind, what string) string { return s.prefix(kind) + Token(what) }

// prefix is of one token more for a group of another name, so that the two are
// never taken for each other.
func (s Subjects) prefix(kind string) string {
	if s.group == "" {
		return s.name + "." + kind + "."
	}
	return s.name + "." + kind + "." + Token(s.group) + "."
}

const hexDigits = "0123456789ABCDEF"

// Durable names the consumer that keeps a filter's position, at least once. Its
// underscore is the first one, so that no two groups and filters share a name.
func Durable(group, filter string) string {
	name := strings.ReplaceAll(Token(group), "_", "%5F") + "_" + Token(filter)
	if len(name) <= mostDurable {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	short := "-" + hex.EncodeToString(sum[:8])
	return name[:mostDurable-len(short)] + short
}

// mostDurable is the length of a consumer's name that the server takes.
const mostDurable = 255

// Token writes any text as one token of a subject, or as a part of a name: what
// separates tokens or folders, stands for any of them, or is not visible is
// percent-encoded.
func Token(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.' || c == '*' || c == '>' || c == '%' || c == '/' || c == '\\' || c <= ' ' || c == 0x7f:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
