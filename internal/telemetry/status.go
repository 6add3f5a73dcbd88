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
	// Drift is absent where none is watched.
	Drift *DriftStatus `json:"drift,omitempty"`
}

// DriftStatus is a process's part in watching drift. What comes after Reference is
// the owner's, and absent elsewhere. The counts are of the time since it took over.
type DriftStatus struct {
	State      string `json:"state"`            // owner, standby, waiting, stopped
	Reason     string `json:"reason,omitempty"` // why it waits, when it does
	Generation string `json:"generation"`
	Reference  string `json:"reference,omitempty"` // its digest; absent while it is collected

	Watermark  *time.Time `json:"watermark,omitempty"`
	Partitions int        `json:"partitions,omitempty"`
	Unseen     int        `json:"unseen,omitempty"` // partitions not heard of, which hold the watermark back
	Idle       int        `json:"idle,omitempty"`   // partitions that do not
	Panes      int        `json:"panes,omitempty"`  // sums that are kept
	Duplicate  int64      `json:"duplicate,omitempty"`
	Overlap    int64      `json:"overlap,omitempty"`
	Lost       int64      `json:"lost,omitempty"`
	Late       int64      `json:"late,omitempty"`
	Expired    int64      `json:"expired,omitempty"`
	Unreadable int64      `json:"unreadable,omitempty"` // records
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
