package config

import (
	"slices"
	"strconv"
)

// channel is a Kafka topic, or a filter of NATS subjects, that the pipeline
// reads or writes.
type channel struct {
	key     string // what names it, in the words of the file
	path    string // where that stands
	name    string
	holds   string
	implied bool // by a default, so that nothing stands at path
}

// What a channel holds.
const (
	events      = "events"
	predictions = "predictions"
	deadLetters = "dead letters"
	ownRecords  = "the pipeline's own records"
)

// topicLoops finds topics that two keys name.
func (v *validator) topicLoops() {
	named := map[string][]channel{}
	for _, c := range v.topics() {
		for _, other := range named[c.name] {
			v.same(other, c)
		}
		named[c.name] = append(named[c.name], c)
	}
}

// topics lists what is read, each once, and then what is written.
func (v *validator) topics() []channel {
	p := &v.file.Pipeline
	var all, dead []channel
	seen := map[string]bool{}
	for i, topic := range p.Source.AllTopics() {
		c := channel{key: "source.topic", path: "source.topic", name: topic, holds: events}
		if p.Source.Topic == "" {
			index := strconv.Itoa(i)
			c.key, c.path = "source.topics["+index+"]", "source.topics."+index
		}
		if seen[topic] || topic == "" {
			continue
		}
		seen[topic] = true
		all = append(all, c)
		dead = append(dead, channel{key: "dead_letter.topic (by default)", path: "dead_letter.topic", name: topic + ".dead", holds: deadLetters, implied: true})
	}
	switch {
	case v.bad["dead_letter"] || v.bad["dead_letter|topic"]:
		dead = nil // not the defaults, but what could not be read
	case p.DeadLetter.Topic != "":
		dead = []channel{{key: "dead_letter.topic", path: "dead_letter.topic", name: p.DeadLetter.Topic, holds: deadLetters}}
	}
	if p.Sink.Topic != "" {
		all = append(all, channel{key: "sink.topic", path: "sink.topic", name: p.Sink.Topic, holds: predictions})
	}
	return append(append(all, dead...), v.own()...)
}

// subjectLoops finds filters that take what the pipeline writes, and subjects
// that it would write two kinds of records to.
func (v *validator) subjectLoops() {
	filters, written := v.filters(), v.subjects()
	v.wildcards(filters)
	for _, f := range filters {
		for _, w := range slices.Concat(written, v.everything(written)) {
			// The filter > takes all that its stream holds, which tells
			// nothing of what that is.
			if f.name != ">" && overlap(f.name, w.name) {
				v.same(f, w)
				break
			}
		}
	}
	for i, w := range written {
		for _, other := range written[:i] {
			if overlap(other.name, w.name) {
				v.same(other, w)
			}
		}
	}
}

// wildcards finds parts of events' subjects that the predictions' takes over and
// some filter does not have. They count its *, as a subject mapping of NATS does.
func (v *validator) wildcards(filters []channel) {
	template := v.file.Pipeline.Sink.Subject
	var most int
	for _, part := range subjectPart.FindAllStringSubmatch(template, -1) {
		n, _ := strconv.Atoi(part[1]) // two digits
		most = max(most, n)
	}
	if len(v.file.Pipeline.Source.FilterSubjects) == 0 {
		filters = []channel{{key: "source.filter_subjects (by default)", name: ">"}}
	}
	for _, f := range filters {
		if has := countWildcards(f.name); has < most {
			v.errorf("sink.subject", "{{wildcard(%d)}} takes over what * number %d of a filter stands for, but %s, %s, has %d", most, most, f.key, quoted(f.name), has)
			return
		}
	}
}

// everything is the rest of the pipeline's own stream, all below its name.
func (v *validator) everything(written []channel) []channel {
	name := v.file.Pipeline.Name
	if len(written) == 0 || !nameText.MatchString(name) || checkFilter(name) != nil {
		return nil
	}
	return []channel{{key: "name (with .>)", path: "name", name: name + ".>", holds: "what the pipeline writes", implied: true}}
}

// subjects lists what the pipeline writes to on NATS.
func (v *validator) subjects() []channel {
	p := &v.file.Pipeline
	var all []channel
	switch template := p.Sink.Subject; {
	case template != "":
		filter, err := publishedFilter(template)
		if err != nil {
			v.errorf("sink.subject", "%s %v", quoted(template), err)
			break
		}
		all = append(all, channel{key: "sink.subject", path: "sink.subject", name: filter, holds: predictions})
	case p.Name != "" && !v.bad["sink"] && !v.bad["sink|subject"]:
		all = append(all, channel{key: "sink.subject (by default)", path: "sink.subject", name: p.Name + ".predictions", holds: predictions, implied: true})
	}
	switch err := checkFilter(p.Name); {
	case !nameText.MatchString(p.Name):
		return all // there is none, or it was reported
	case err != nil:
		v.errorf("name", "name begins subjects, and %s %v", quoted(p.Name), err)
		return all
	}
	all = append(all, channel{key: "name (with .dead)", path: "name", name: p.Name + ".dead", holds: deadLetters, implied: true})
	kinds := []string{"position", "lease", "member", "attempt", "sent-back"}
	if p.Drift != nil {
		kinds = append(kinds, "drift-latest", "drift-state", "reference")
	}
	for _, kind := range kinds {
		all = append(all, channel{key: "name (with ." + kind + ")", path: "name", name: p.Name + "." + kind + ".>", holds: ownRecords, implied: true})
	}
	return append(all, v.own()...)
}

// own lists what the pipeline writes for itself, under its name and an ending.
func (v *validator) own() []channel {
	p := &v.file.Pipeline
	if p.Name == "" {
		return nil
	}
	endings := []string{".state"}
	if p.Drift != nil {
		endings = append(endings, ".panes", ".drift", ".alarms", ".drift-latest", ".drift-state")
	}
	var all []channel
	for _, ending := range endings {
		all = append(all, channel{key: "name (with " + ending + ")", path: "name", name: p.Name + ending, holds: ownRecords, implied: true})
	}
	return all
}

// same reports that b, which is written, is where a is. What is written must
// not come back as an event, and whoever reads predictions must find nothing
// else among them. Never both are implied: defaults differ by their endings.
func (v *validator) same(a, b channel) {
	at := b.path
	if b.implied {
		at = a.path
	}
	how := "are both " + quoted(a.name)
	if a.name != b.name {
		how = "overlap, as " + quoted(a.name) + " and " + quoted(b.name)
	}
	what := b.holds + " would come back as events"
	if a.holds != events {
		what = a.holds + " would mix with " + b.holds
	}
	v.errorf(at, "%s and %s %s: %s", a.key, b.key, how, what)
}
