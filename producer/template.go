package producer

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/penstock/penstock"
)

// Template makes the subjects that predictions go to: what stands in it, and
// for {{wildcard(n)}} what the nth * of the event's filter stands for in the
// event's subject, as in NATS' own subject mappings.
type Template struct {
	template string
	parts    []string // what stands between the wildcards
	numbers  []int    // of the wildcards, from 0
	tokens   [][]int  // by filter: where its wildcards are

	known map[string]string // by the event's subject
}

var wildcard = regexp.MustCompile(`\{\{ *wildcard\(([1-9][0-9]?)\) *\}\}`)

// mostKnown bounds the subjects that are remembered.
const mostKnown = 4096

// NewTemplate makes the template of a worker; filters are the pipeline's, by
// number.
func NewTemplate(template string, filters []string) *Template {
	t := &Template{template: template, parts: wildcard.Split(template, -1), known: map[string]string{}}
	for _, m := range wildcard.FindAllStringSubmatch(template, -1) {
		n, _ := strconv.Atoi(m[1]) // two digits
		t.numbers = append(t.numbers, n-1)
	}
	for _, filter := range filters {
		var at []int
		for i, token := range strings.Split(filter, ".") {
			if token == "*" {
				at = append(at, i)
			}
		}
		t.tokens = append(t.tokens, at)
	}
	return t
}

// subject is where a record goes.
func (t *Template) subject(r *penstock.Record) string {
	if len(t.numbers) == 0 || r.Topic != t.template {
		return r.Topic
	}
	if s, ok := t.known[r.Event.Subject]; ok {
		return s
	}
	if len(t.known) == mostKnown {
		clear(t.known)
	}
	s := t.fill(&r.Event)
	t.known[strings.Clone(r.Event.Subject)] = s
	return s
}

func (t *Template) fill(e *penstock.EventID) string {
	tokens := strings.Split(e.Subject, ".")
	at := t.tokens[e.Partition]
	var b strings.Builder
	for i, part := range t.parts {
		b.WriteString(part)
		if i < len(t.numbers) && t.numbers[i] < len(at) && at[t.numbers[i]] < len(tokens) {
			b.WriteString(tokens[at[t.numbers[i]]])
		}
	}
	return b.String()
}
