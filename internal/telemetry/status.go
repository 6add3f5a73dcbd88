package telemetry

import "time"

// Check is one thing that must be so for a pipeline to be ready.
type Check struct {
	Name   string `json:"name"` // such as broker, model, drain
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // what is wrong and what to do, in one line; may say more when OK too
}

// Status is a pipeline as /api/v1/status shows it.
type Status struct {
	Name     string `json:"name"`
	Instance string `json:"instance"`
	// State is one word: what the pipeline is about.
	State      string            `json:"state"`
	Ready      bool              `json:"ready"`
	Checks     []Check           `json:"checks"`
	Model      ModelStatus       `json:"model"`
	Variant    string            `json:"variant"`
	Plan       int64             `json:"plan"`
	Delivery   string            `json:"delivery"`
	Workers    []WorkerStatus    `json:"workers"`
	Partitions []PartitionStatus `json:"partitions"`
	Totals     Totals            `json:"totals"`
}

// ModelStatus says which model scores, since when.
type ModelStatus struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Digest   string    `json:"digest"`
	LoadedAt time.Time `json:"loaded_at"`
}

// WorkerStatus is one worker.
type WorkerStatus struct {
	Name   string `json:"name"` // its member name in the group
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"` // why it waits, when it does
}

// PartitionStatus is a partition that this process reads.
type PartitionStatus struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Position  int64  `json:"position"`      // the committed one: the next event's offset
	Lag       *int64 `json:"lag,omitempty"` // events that wait; absent while it is unknown
}
