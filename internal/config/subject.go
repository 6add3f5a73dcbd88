package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Bounds of filters.
const (
	// maxSubjects bounds what filters expand to: each is a partition with a consumer
	// of its own. By default a server takes 1000 consumers of a stream, and those of
	// a process that was killed are there for 30 s beside the ones that replace it.
	maxSubjects = 480
	// maxFilter is in bytes. A server takes lines of 4096, such as the subject of a
	// filter's position, where some bytes take three.
	maxFilter = 512
)

var (
	errTooManySubjects = fmt.Errorf("makes more than %d subjects, with those before it; each is a consumer on the server, which takes 1000 of a stream, two for each while a killed process is replaced, so use a wildcard for what belongs together", maxSubjects)
	errSubjectRange    = errors.New("holds braces that are no range such as {0..7}")
)

// Leading zeros are refused, since {00..07} would not give what it shows.
var subjectRange = regexp.MustCompile(`\{(0|[1-9][0-9]{0,8})\.\.(0|[1-9][0-9]{0,8})\}`)

// expandFilter writes out the ranges of a filter: a.{0..2} is a.0, a.1 and a.2.
func expandFilter(filter string) ([]string, error) {
	at := subjectRange.FindStringSubmatchIndex(filter)
	if at == nil {
		if strings.ContainsAny(filter, "{}") {
			return nil, errSubjectRange
		}
		return []string{filter}, nil
	}
	first, _ := strconv.Atoi(filter[at[2]:at[3]]) // nine digits at most
	last, _ := strconv.Atoi(filter[at[4]:at[5]])
	switch {
	case first > last:
		return nil, errSubjectRange
	case last-first >= maxSubjects:
		return nil, errTooManySubjects
	}
	rest, err := expandFilter(filter[at[1]:])
	if err != nil {
		return nil, err
	}
	if (last-first+1)*len(rest) > maxSubjects {
		return nil, errTooManySubjects
	}
	var all []string
	for i := first; i <= last; i++ {
		for _, r := range rest {
			all = append(all, filter[:at[0]]+strconv.Itoa(i)+r)
		}
	}
	return all, nil
}

// checkFilter tells why NATS would refuse subject as a filter.
func checkFilter(subject string) error {
	if len(subject) > maxFilter {
		return fmt.Errorf("is longer than %d bytes, and the server bounds the subject of its position", maxFilter)
	}
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		switch {
		case token == "":
			return errors.New("has nothing before, after or between its dots")
		case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
			return errors.New("holds a blank or a control character")
		case token == ">" && i < len(tokens)-1:
			return errors.New("has a > that is not at its end")
		case len(token) > 1 && strings.ContainsAny(token, "*>"):
			return errors.New("has a * or > that is only a part between two dots; they stand for a whole part")
		}
	}
	return nil
}

// subjectPart is what sink.subject takes over from the event's subject.
var subjectPart = regexp.MustCompile(`\{\{ *wildcard\(([1-9][0-9]?)\) *\}\}`)

// countWildcards counts the parts of a filter that are a *.
func countWildcards(filter string) int {
	n := 0
	for token := range strings.SplitSeq(filter, ".") {
		if token == "*" {
			n++
		}
	}
	return n
}

// publishedFilter is a filter of all subjects that the template, such as
// predictions.{{wildcard(1)}}, may become.
func publishedFilter(template string) (string, error) {
	const part = "part" // stands for any, so that what is around it is checked
	filled := subjectPart.ReplaceAllString(template, part)
	switch err := checkFilter(filled); {
	case err != nil:
		return "", err
	case strings.ContainsAny(filled, "*>"):
		return "", errors.New("holds a wildcard, and events are published to one subject; {{wildcard(1)}} takes over a part of the event's")
	case strings.ContainsAny(filled, "{}"):
		return "", errors.New("holds braces that are not such as {{wildcard(1)}}")
	}
	tokens := strings.Split(subjectPart.ReplaceAllString(template, "*"), ".")
	for i, token := range tokens {
		if strings.Contains(token, "*") {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, "."), nil
}

// overlap tells whether some subject passes both filters.
func overlap(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		switch {
		case as[i] == ">" || bs[i] == ">":
			return true
		case as[i] != bs[i] && as[i] != "*" && bs[i] != "*":
			return false
		}
	}
	return len(as) == len(bs)
}

// Overlap tells whether some subject passes both filters.
func Overlap(a, b string) bool { return overlap(a, b) }

// Covers tells whether all that passes the filter inner, which may be a subject,
// passes outer too.
func Covers(outer, inner string) bool {
	outs, ins := strings.Split(outer, "."), strings.Split(inner, ".")
	for i, out := range outs {
		switch {
		case out == ">":
			return len(ins) > i
		case i >= len(ins) || ins[i] == ">":
			return false
		case out != "*" && out != ins[i]:
			return false
		}
	}
	return len(outs) == len(ins)
}
