package config

import "time"

// Source is what a pipeline reads.
type Source struct {
	Topic          string   `key:"topic" only:"run" doc:"Kafka: the topic."`
	Topics         []string `key:"topics" only:"run" doc:"Kafka: several topics, instead of topic."`
	Stream         string   `key:"stream" only:"run" doc:"NATS: the stream."`
	FilterSubjects []string `key:"filter_subjects" only:"run" doc:"NATS: what is taken from the stream; each filter is one partition, and transactions.{0..7}.> expands to eight."`

	Group          string        `key:"group" only:"run" doc:"Consumer group. Default: the pipeline's name."`
	Start          string        `key:"start" only:"run" default:"earliest" enum:"earliest,latest" doc:"Where a partition without a position begins; resolved once and committed."`
	Isolation      string        `key:"isolation" only:"run" default:"read_committed" enum:"read_committed,read_uncommitted" doc:"Kafka: whether events of open transactions are read."`
	EventTime      string        `key:"event_time" doc:"Path of the event's own time: RFC 3339, or an epoch in s, ms, us or ns, told apart by its digits. Without it the record's timestamp counts."`
	SessionTimeout time.Duration `key:"session_timeout" only:"run" default:"10s" min:"1s" doc:"After this silence a worker's partitions go to others."`
	FetchMaxBytes  Bytes         `key:"fetch_max_bytes" only:"run" default:"50MiB" min:"1" doc:"Most bytes fetched ahead in the whole process, shared out among its workers."`
}

// AllTopics are the Kafka topics, however they were given.
func (s *Source) AllTopics() []string {
	if s.Topic != "" {
		return []string{s.Topic}
	}
	return s.Topics
}

// Filters are the filters of a NATS stream, ranges written out, each of which is
// a partition; without any the whole stream is one. They must have been checked.
func (s *Source) Filters() []string {
	if len(s.FilterSubjects) == 0 {
		return []string{">"}
	}
	var all []string
	for _, filter := range s.FilterSubjects {
		subjects, err := expandFilter(filter)
		if err != nil {
			return nil
		}
		all = append(all, subjects...)
	}
	return all
}

// Sink is where predictions go.
type Sink struct {
	Topic       string `key:"topic" doc:"Kafka: the topic; it may have any number of partitions."`
	Stream      string `key:"stream" doc:"NATS: the pipeline's own stream, created by it, for all that it writes."`
	Subject     string `key:"subject" doc:"NATS: subject of the predictions. Default: NAME.predictions. {{wildcard(1)}} takes over a part of the event's subject."`
	Compression string `key:"compression" default:"lz4" enum:"none,lz4,zstd,snappy,gzip" doc:"Kafka: compression of what is published."`
}
