package broker

import (
	"slices"
	"strconv"
	"time"

	"github.com/penstock/penstock/internal/config"
)

// Role is what a topic is to a pipeline.
type Role string

// The roles.
const (
	RoleSource Role = "source"
	RoleSink   Role = "sink"
	RoleDead   Role = "dead letters"
	RoleState  Role = "state" // which partitions have had a position, and attempts
	RolePanes  Role = "panes" // drift deltas
	RoleDrift  Role = "drift" // drift reports
	RoleAlarms Role = "alarms"
	RoleSums   Role = "drift state" // of monitors
	RoleLatest Role = "latest drift"
)

// Watching tells whether a topic of this role is for those who watch drift alone:
// events are scored without it.
func (r Role) Watching() bool {
	return r == RoleDrift || r == RoleAlarms || r == RoleSums || r == RoleLatest
}

// The settings of a topic that matter to a pipeline.
const (
	cleanupPolicy   = "cleanup.policy"
	maxMessageBytes = "max.message.bytes"
	// segmentBytes decides how much there is to read of a compacted topic beside
	// what counts: the last segment is never compacted.
	segmentBytes = "segment.bytes"
)

// Topic is one that a pipeline needs.
type Topic struct {
	Name string
	Role Role
	// Own marks what the pipeline keeps for itself, and makes without asking.
	Own bool
	// Like are the source topics whose partitions it has as many of when it is
	// made: of several, the most. Empty for those that stand alone.
	Like []string
	// Partitions is how many it is made with where it is like no other; -1 is
	// the broker's default.
	Partitions int32
	// Configs are settings that it is made with, and should have.
	Configs map[string]string
	// Path is where the config names it, or what its name is derived from.
	Path []string
}

// NeededTopics are the topics of a pipeline: sources, sink and dead letters in
// this order, then its own.
func NeededTopics(p *config.Pipeline) []Topic {
	sources := p.Source.AllTopics()
	var all []Topic
	for i, name := range sources {
		path := []string{"source", "topic"}
		if p.Source.Topic == "" {
			path = []string{"source", "topics", strconv.Itoa(i)}
		}
		all = append(all, Topic{Name: name, Role: RoleSource, Partitions: -1, Path: path})
	}
	all = append(all, Topic{Name: p.Sink.Topic, Role: RoleSink, Like: sources, Path: []string{"sink", "topic"}})
	for _, name := range sources {
		dead := Topic{Name: DeadLetterTopic(p, name), Role: RoleDead, Like: sources, Path: []string{"dead_letter", "topic"}}
		if p.DeadLetter.Topic == "" {
			dead.Like = []string{name}
		}
		if !slices.ContainsFunc(all, func(t Topic) bool { return t.Role == RoleDead && t.Name == dead.Name }) {
			all = append(all, dead)
		}
	}
	own := func(name string, role Role, configs map[string]string) Topic {
		return Topic{Name: name, Role: role, Own: true, Partitions: 1, Configs: configs, Path: []string{"name"}}
	}
	all = append(all, own(StateTopic(p), RoleState, map[string]string{cleanupPolicy: "compact"}))
	if p.Drift != nil {
		kept := func(d time.Duration) map[string]string {
			return map[string]string{cleanupPolicy: "delete", "retention.ms": strconv.FormatInt(d.Milliseconds(), 10)}
		}
		all = append(all,
			own(PanesTopic(p), RolePanes, kept(PanesRetention)), own(ReportsTopic(p), RoleDrift, kept(ReportsRetention)),
			own(AlarmsTopic(p), RoleAlarms, kept(ReportsRetention)),
			own(LatestTopic(p), RoleLatest, map[string]string{
				cleanupPolicy: "compact,delete", "retention.ms": strconv.FormatInt(ReportsRetention.Milliseconds(), 10), segmentBytes: "16777216",
			}),
			own(DriftStateTopic(p), RoleSums, map[string]string{cleanupPolicy: "compact", segmentBytes: "67108864"}))
	}
	return all
}

// DeadLetterTopic is where the rejected events of a source topic go.
func DeadLetterTopic(p *config.Pipeline, source string) string {
	if p.DeadLetter.Topic != "" {
		return p.DeadLetter.Topic
	}
	return source + ".dead"
}

// StateTopic is where a pipeline remembers what outlives its positions.
func StateTopic(p *config.Pipeline) string { return p.Name + ".state" }
