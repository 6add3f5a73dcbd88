package pipeline

import (
	"log/slog"
	"time"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/inference"
	"github.com/penstock/penstock/internal/broker"
	"github.com/penstock/penstock/internal/observe"
	"github.com/penstock/penstock/internal/telemetry"
	"github.com/penstock/penstock/producer"
)

// Config is what a pipeline is told.
type Config struct {
	Name     string
	Instance string
	Delivery string // as the config spells it, for the status

	Workers        int
	BatchRows      int           // most events in one run of the model
	BatchWait      time.Duration // how long a batch that is not full waits for more
	CommitInterval time.Duration // upper bound between an epoch's first event and its commit
	CommitTimeout  time.Duration // after it the broker has given the epoch up
	SessionTimeout time.Duration // silence of the broker after which the pipeline is not ready
	DrainTimeout   time.Duration
	MaxDeadShare   float64 // of a minute's events; 1 = any
	Stay           bool    // keep the places in the group when stopped
	UntilEnd       bool    // stop when all that is there now is processed

	SinkTopic   string
	DeadLetters *producer.DeadLetters
	Limits      *broker.Limits

	Model     Model
	Drift     *Drift // nil: nothing is counted
	Telemetry *telemetry.Pipeline
	Log       *slog.Logger
}

// Drift says what is counted of the events, and where it goes.
type Drift struct {
	observe.Config
	// Freeze makes the schema by a reference that was collected from the stream; nil
	// where it is known from the start, or is never going to be.
	Freeze func(encoded []byte) (*drift.Schema, error)

	Panes string // topic or subject of the deltas
	// JoinEarly has Panes be a part of the transaction from an epoch's second batch on.
	// A topic that joins one of Kafka at its end holds that up.
	JoinEarly bool
	Idle      time.Duration // how long a partition is at its end until it holds nothing back
	// CaughtUp tells whether all reports are published that the events so far allow, for
	// UntilEnd; nil: nobody waits for them.
	CaughtUp func() bool
}

// Model is what scores.
type Model struct {
	Identity penstock.ModelIdentity
	Variant  string
	Plan     int
	LoadedAt time.Time

	Runtime inference.Model
	Mapping *inference.Plan
	Output  *inference.OutputPlan
	Encoder *inference.Encoder
	Scoring inference.ScorerOptions
	// Isolated opens a scorer whose crash does not end this process.
	Isolated func() (Isolated, error)
}
