package broker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/penstock/penstock/internal/config"
	"github.com/penstock/penstock/internal/nearest"
)

// CompareStreams tells what is wrong with the streams for this pipeline, in
// their order.
func CompareStreams(p *config.Pipeline, found []FoundStream) []Finding {
	var all []Finding
	var source *FoundStream
	for i := range found {
		f := &found[i]
		c := streamComparison{p: p, f: f, source: source}
		switch {
		case f.Err != nil:
			c.reportAt(f.Path, false, Diagnose(f.Err).Hint, "%s", f.Err)
		case !f.Exists():
			all = append(all, f.missing())
		case f.Own:
			c.own()
		default:
			c.compareSource()
		}
		if f.Own {
			c.subjects()
		} else if f.Exists() {
			source = f
		}
		all = append(all, c.findings...)
	}
	return all
}

// UnfitError is a finding that keeps a pipeline from using a topic or stream. It heals
// when the settings do.
type UnfitError struct{ Finding Finding }

func (e *UnfitError) Error() string {
	if e.Finding.Hint == "" {
		return e.Finding.Text
	}
	return e.Finding.Text + " (" + e.Finding.Hint + ")"
}

func (f *FoundStream) missing() Finding {
	finding := Finding{Name: f.Name, Own: f.Own, Path: f.Path, Missing: true, Text: fmt.Sprintf("stream %s (%s) is missing", f.Name, f.Role)}
	if owner := f.Owners[f.Subjects[0]]; owner != "" && !f.Own {
		finding.Text += fmt.Sprintf(", and %s belongs to stream %s", f.Subjects[0], owner)
	}
	return finding
}

// streamComparison is of one stream.
type streamComparison struct {
	p        *config.Pipeline
	f        *FoundStream
	source   *FoundStream // nil: not there, or this is it
	findings []Finding
}

func (c *streamComparison) reportAt(path []string, warning bool, hint, format string, args ...any) {
	c.findings = append(c.findings, Finding{Name: c.f.Name, Own: c.f.Own, Path: path, Warning: warning, Hint: hint, Text: fmt.Sprintf(format, args...)})
}

func (c *streamComparison) wrong(hint, format string, args ...any) {
	c.reportAt(c.f.Path, false, hint, format, args...)
}

func (c *streamComparison) warn(hint, format string, args ...any) {
	c.reportAt(c.f.Path, true, hint, format, args...)
}

// compareSource holds the source against how it is read: exactly once by
// position, and at least once by acknowledgement.
func (c *streamComparison) compareSource() {
	has, exactlyOnce := c.f.Has, c.p.Delivery == "exactly_once"
	switch queue := has.Retention == jetstream.WorkQueuePolicy; {
	case has.Retention == jetstream.LimitsPolicy:
	case exactlyOnce && queue:
		c.wrong("read a stream with retention=limits, or set delivery: at_least_once", "%s has retention=workqueue: exactly once acknowledges no event, so that the stream would only grow, and it takes no consumer that does not acknowledge", c.f.Name)
	case exactlyOnce:
		c.wrong("read a stream with retention=limits, or set delivery: at_least_once", "%s has retention=interest: it keeps events only until the consumers that are there have them, and exactly once reads again by position", c.f.Name)
	case queue && c.p.Source.Start == "latest":
		c.reportAt([]string{"source", "start"}, false, "", "%s has retention=workqueue, which is read from its beginning only: start must be earliest", c.f.Name)
	case !queue:
		c.warn("", "%s has retention=interest: what is published before the pipeline's first start is lost", c.f.Name)
	}
	if has.Sealed {
		c.warn("", "%s is sealed: no event will come any more", c.f.Name)
	}
	if has.MaxConsumers > 0 && has.MaxConsumers < len(c.f.Subjects) {
		c.wrong("raise its max_consumers, or give fewer filter_subjects", "%s may have %d consumers, but the pipeline needs %d", c.f.Name, has.MaxConsumers, len(c.f.Subjects))
	}
	c.filters()
}

// filters finds those that can match nothing. What a stream gets from others
// has subjects that its settings do not tell.
func (c *streamComparison) filters() {
	has := c.f.Has
	if has.Mirror != nil || len(has.Sources) > 0 || has.SubjectTransform != nil {
		return
	}
	for _, filter := range c.f.Subjects {
		if !slices.ContainsFunc(has.Subjects, func(s string) bool { return config.Overlap(s, filter) }) {
			c.reportAt([]string{"source", "filter_subjects"}, false, nearest.Hint(filter, has.Subjects, ""), "filter %q matches nothing: stream %s takes %q", filter, c.f.Name, has.Subjects)
		}
	}
}

// own holds the pipeline's own stream against what an epoch needs.
func (c *streamComparison) own() {
	has := c.f.Has
	for _, s := range []struct {
		ok   bool
		is   string
		why  string
		mend string
	}{
		{has.Retention == jetstream.LimitsPolicy, "retention=" + strings.ToLower(has.Retention.String()), "would lose positions and predictions that somebody has read", another},
		{has.Storage == jetstream.FileStorage, "storage=" + strings.ToLower(has.Storage.String()), "would lose the positions when the server restarts", another},
		{!has.Sealed, "sealed=true", "takes nothing any more", another},
		{has.Mirror == nil, "mirror", "takes nothing but its origin's messages", another},
		{has.SubjectTransform == nil, "subject_transform", "would keep positions under other subjects", "remove it"},
		{!has.NoAck, "no_ack=true", "does not say whether it has taken an epoch", "set it to false"},
		{has.AllowAtomicPublish, "allow_atomic=false", "refuses epochs", "set it to true"},
		{has.AllowRollup, "allow_rollup_hdrs=false", "refuses positions, which replace each other", "set it to true"},
		{has.AllowMsgTTL, "allow_msg_ttl=false", "refuses leases, which expire, and positions, which must not", "set it to true"},
		{has.AllowDirect, "allow_direct=false", "does not give positions as the pipeline asks for them", "set it to true"},
		{has.SubjectDeleteMarkerTTL == 0, "subject_delete_marker_ttl=" + has.SubjectDeleteMarkerTTL.String(), "would put a marker in the place of a lease that has expired", "set it to 0"},
		{has.MaxMsgs <= 0, fmt.Sprintf("max_msgs=%d", has.MaxMsgs), evicts, "set it to -1, and bound the stream by max_age, or by max_bytes with discard=new"},
		{has.MaxMsgsPerSubject <= 0, fmt.Sprintf("max_msgs_per_subject=%d", has.MaxMsgsPerSubject), "would lose predictions", "set it to -1"},
		{has.MaxBytes <= 0 || has.Discard == jetstream.DiscardNew, fmt.Sprintf("max_bytes=%d with discard=old", has.MaxBytes), evicts, "set discard to new"},
	} {
		if !s.ok {
			c.wrong(s.mend, "%s has %s: it %s", c.f.Name, s.is, s.why)
		}
	}
	if c.f.MaxMessage < leastMessage {
		c.wrong("raise its max_msg_size, or the server's max_payload", "%s takes messages of at most %d bytes, and the pipeline's own records take up to %d", c.f.Name, c.f.MaxMessage, leastMessage)
	}
	c.ownWarnings()
}

// leastMessage holds a position, a lease or an attempt with all its headers,
// whatever the lengths of the names.
const leastMessage = 4 << 10

const (
	another = "give another sink.stream, which the pipeline makes"
	evicts  = "would evict the positions of partitions without new events"
)

// ownWarnings are what the pipeline runs with, and should not.
func (c *streamComparison) ownWarnings() {
	has := c.f.Has
	if c.p.Delivery == "at_least_once" && has.Duplicates < leastDuplicates {
		c.warn("set its duplicate_window to 2m or more, which duplicate_window of jetstream.limits in the server's configuration must allow", "%s has duplicate_window=%s: what comes again after a longer outage is published twice", c.f.Name, has.Duplicates)
	}
	if c.source == nil {
		return
	}
	if s := c.source; c.f.MaxMessage < s.MaxMessage {
		c.warn("raise its max_msg_size", "%s takes messages of at most %d bytes, but source %s of %d: larger dead letters lose their value", c.f.Name, c.f.MaxMessage, s.Name, s.MaxMessage)
	}
	if s := c.source.Has; has.Replicas < s.Replicas {
		c.warn("raise its num_replicas", "%s has %d replicas, but source %s has %d: predictions and positions are lost before events are", c.f.Name, has.Replicas, s.Name, s.Replicas)
	}
}

// subjects finds what the pipeline writes and its own stream does not, or could
// not, take.
func (c *streamComparison) subjects() {
	for _, subject := range c.f.Subjects {
		path := []string{"name"}
		hint := "give another name, or another source"
		if _, written := c.p.PredictionSubject(); subject == written {
			path, hint = []string{"sink", "subject"}, "give another sink.subject"
		}
		owner := c.f.Owners[subject]
		if owner == "" && c.source != nil && !c.f.takes(subject) && slices.ContainsFunc(c.source.Has.Subjects, func(s string) bool { return config.Overlap(s, subject) }) {
			owner = c.source.Name
		}
		switch {
		case c.source != nil && owner == c.source.Name:
			c.reportAt(path, false, hint, "%s belongs to the source: stream %s takes %q, and what the pipeline publishes would come back as events", subject, owner, c.source.Has.Subjects)
		case owner != "":
			c.reportAt(path, false, hint, "%s belongs to another stream, %s", subject, owner)
		case c.f.Exists() && !c.f.takes(subject):
			c.wrong(fmt.Sprintf("add %s to its subjects", subject), "%s takes %q, but not %s", c.f.Name, c.f.Has.Subjects, subject)
		}
	}
}
