package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// streams checks source, sink and dead letters against the kind of broker.
func (v *validator) streams() {
	p := &v.file.Pipeline
	switch {
	case p.Broker.Kafka != nil:
		v.kafkaStreams()
		v.topicLoops()
	case p.Broker.NATS != nil || p.Broker.Embedded != nil:
		v.natsStreams()
		v.subjectLoops()
	}
}

// given reports each of the keys that has a value but does not belong to the
// kind of broker.
func (v *validator) given(part, reason string, keys ...string) {
	for _, key := range keys {
		e := v.file.root.entry(part)
		if e == nil {
			return
		}
		if inner := e.value.entry(key); inner != nil && !inner.value.null() {
			v.errorf(part+"."+key, "%s", key+" "+reason)
		}
	}
}

func (v *validator) kafkaStreams() {
	p := &v.file.Pipeline
	v.given("source", "is for NATS; with kafka give topic or topics", "stream", "filter_subjects")
	v.given("sink", "is for NATS; with kafka give topic", "stream", "subject")
	switch {
	case p.Source.Topic != "" && len(p.Source.Topics) > 0:
		v.errorf("source.topics", "give topic or topics, not both")
	case len(p.Source.AllTopics()) == 0 && v.file.has("source"):
		v.incomplete("source", "source needs topic: with kafka, or topics: [a, b]")
	}
	if p.Source.Topic != "" {
		v.topic("source.topic", p.Source.Topic)
	}
	seen := map[string]bool{}
	for i, topic := range p.Source.Topics {
		path := "source.topics." + strconv.Itoa(i)
		v.topic(path, topic)
		if seen[topic] {
			v.errorf(path, "topics names %s twice", quoted(topic))
		}
		seen[topic] = true
	}
	if p.Sink.Topic != "" {
		v.topic("sink.topic", p.Sink.Topic)
	} else if v.file.has("sink") {
		v.incomplete("sink", "sink needs topic: with kafka")
	}
	if p.DeadLetter.Topic != "" {
		v.topic("dead_letter.topic", p.DeadLetter.Topic)
	}
}

func (v *validator) natsStreams() {
	p := &v.file.Pipeline
	v.given("source", "is for kafka; with NATS give stream and filter_subjects", "topic", "topics")
	v.given("sink", "is for kafka; with NATS give stream and subject", "topic")
	v.given("dead_letter", "is for kafka; with NATS dead letters go to the pipeline's own stream", "topic")
	if p.Source.Stream == "" && v.file.has("source") {
		v.incomplete("source", "source needs stream: with NATS")
	}
	if p.Sink.Stream == "" && v.file.has("sink") {
		v.incomplete("sink", "sink needs stream: with NATS, the pipeline's own")
	}
	if p.Source.SessionTimeout%time.Second != 0 {
		v.errorf("source.session_timeout", "session_timeout must be whole seconds with NATS, which leases expire in, not %s", durationText(p.Source.SessionTimeout))
	}
	if e := p.Broker.Embedded; e != nil && e.Listen == "" && p.Source.Stream != "" && len(p.Source.FilterSubjects) == 0 {
		v.warnf("source", "without filter_subjects the embedded server cannot make stream %s, which takes its subjects from them", p.Source.Stream)
	}
	if p.Sink.Stream != "" && p.Sink.Stream == p.Source.Stream {
		v.errorf("sink.stream", "the sink needs a stream of its own, not the source's")
	}
	for _, s := range []struct{ path, name string }{{"source.stream", p.Source.Stream}, {"sink.stream", p.Sink.Stream}} {
		if strings.ContainsAny(s.name, " .*>/\\\t") {
			v.errorf(s.path, "%s is no stream name: no spaces, dots, slashes, * and >", quoted(s.name))
		}
	}
}

// filters gives the channels of source.filter_subjects. Two that overlap would
// make one event belong to two partitions, and be scored twice.
func (v *validator) filters() []channel {
	var all []channel
	for i, filter := range v.file.Pipeline.Source.FilterSubjects {
		path := "source.filter_subjects." + strconv.Itoa(i)
		subjects, err := expandFilter(filter)
		if err == nil {
			err = checkFilter(subjects[0])
		}
		if err == nil && len(all)+len(subjects) > maxSubjects {
			err = errTooManySubjects
		}
		if err != nil {
			v.errorf(path, "%s %v", quoted(filter), err)
			continue
		}
		more := make([]channel, len(subjects))
		for j, subject := range subjects {
			more[j] = channel{key: fmt.Sprintf("source.filter_subjects[%d]", i), path: path, name: subject, holds: events}
		}
		v.apart(path, all, more)
		all = append(all, more...)
	}
	return all
}

// apart holds filters against those before them and each other, and reports
// the first two that overlap.
func (v *validator) apart(path string, before, filters []channel) {
	for i, f := range filters {
		for _, other := range slices.Concat(before, filters[:i]) {
			if overlap(f.name, other.name) {
				v.errorf(path, "%s and %s overlap: %s and %s take the same events, which would be scored twice", other.key, f.key, quoted(other.name), quoted(f.name))
				return
			}
		}
	}
}
