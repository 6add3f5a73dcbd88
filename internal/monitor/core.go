package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/penstock/penstock/drift"
)

// CoreOptions say what is summed and how it is judged.
type CoreOptions struct {
	Pipeline string
	Identity Identity
	Schema   *drift.Schema
	// Reference is nil while one is collected: then Fields, those that the schema
	// was made of, and Block, the length of its calibration blocks, are for the one
	// that is frozen when Windows.Collect of event time is complete.
	Reference *drift.Reference
	Fields    []drift.Field
	Block     time.Duration
	// Collected is the generation of what such a Reference was made of: what it
	// counted is compared with the reference too. Empty where it came from elsewhere.
	Collected string
	Windows   drift.WindowsConfig
	Judge     drift.JudgeConfig
}

// Core is what an owner knows: deltas in, records out. It has no clock and does no
// I/O, and all that it knows is in the records that it gives: a core that is
// restored from those that were committed goes on as if nothing had happened.
type Core struct {
	o       CoreOptions
	windows *drift.Windows
	judge   *drift.Judge
	judged  []byte // the judge's state as it was saved
	frozen  bool

	from       int64             // windows that end by then are left to others
	alarming   *drift.AlarmEvent // the begin of the alarm that is on, with what contributed since
	toldBefore []byte            // told as it was saved

	counts Counts
	out    Output
}

// Counts are what became of deltas since the core was made.
type Counts struct {
	Foreign    int64 // records of other identities, which their own monitors count
	Unreadable int64 // records that are no deltas, or do not fit the schema
	// Offsets of events: counted before, perhaps counted twice, never counted.
	Duplicate, Overlap, Lost int64
	// Events that came too late for their windows, and for any report.
	Late, Expired int64
}

// NewCore begins with nothing.
func NewCore(o CoreOptions) *Core {
	return &Core{
		o: o, from: math.MinInt64, windows: drift.NewWindows(o.Windows, o.Schema.Fields),
		judge: drift.NewJudge(o.Schema, o.Reference, o.Judge),
	}
}

// Keys of the state; those of the windows have a prefix.
const (
	judgeKey      = "judge"
	frozenKey     = "frozen" // the digest of the reference that was made
	windowsPrefix = "windows/"
	headKey       = windowsPrefix + drift.HeadKey // written by each commit that counts something
)

// Restore puts a new core where the records say that were committed, given by
// key.
func (c *Core) Restore(records map[string][]byte) error {
	err := c.windows.Restore(func(yield func(string, []byte) bool) {
		for key, value := range records {
			if rest, ok := bytes.CutPrefix([]byte(key), []byte(windowsPrefix)); ok && !yield(string(rest), value) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("read the sums of the windows: %w", err)
	}
	if state := records[judgeKey]; state != nil {
		if err := c.judge.Restore(state); err != nil {
			return fmt.Errorf("read the state of the alarms: %w", err)
		}
		c.judged = state
	}
	c.frozen = records[frozenKey] != nil
	if state := records[toldKey]; state != nil {
		return c.restoreTold(state)
	}
	return nil
}

// Apply adds a record of a delta. An error says that it was left out, and why;
// what it counted is lost, which its windows will say. An empty record only made its
// topic a part of a transaction.
func (c *Core) Apply(record []byte) error {
	if len(record) == 0 {
		return nil
	}
	d, err := drift.DecodeDelta(record)
	if err != nil {
		c.counts.Unreadable++
		return fmt.Errorf("read a delta: %w", err)
	}
	id := c.o.Identity
	switch {
	case d.Model != id.Model || d.Version != id.Version || d.Generation != id.Generation && d.Generation != c.o.Collected:
		c.counts.Foreign++
		return nil
	case d.Generation != id.Generation:
		c.o.Schema.Recount(d)
	}
	became, err := c.windows.Apply(d)
	if err != nil {
		c.counts.Unreadable++
		return fmt.Errorf("add the delta of %s/%d from %d to %d: %w", d.Source, d.Partition, d.From, d.To, err)
	}
	n := &c.counts
	n.Duplicate, n.Overlap, n.Lost = n.Duplicate+became.Duplicate, n.Overlap+became.Overlap, n.Lost+became.Lost
	n.Late, n.Expired = n.Late+became.Late, n.Expired+became.Expired
	return nil
}

// Partitions sets the list of the source's partitions.
func (c *Core) Partitions(all []drift.PartitionID) { c.windows.Partitions(all) }

// Advance closes windows that are due at clock, Unix milliseconds, and judges them,
// until it is enough. It says whether there may be more.
func (c *Core) Advance(clock int64, enough func(*Output) bool) (more bool, err error) {
	if enough(&c.out) {
		return true, nil
	}
	for closed := range c.windows.Advance(clock) {
		for i := range closed {
			report, alarms := c.judge.Judge(&closed[i])
			if err := c.publish(report, alarms, closed[i].Latest); err != nil {
				return false, err
			}
		}
		if enough(&c.out) {
			more = true
			break
		}
	}
	if c.o.Reference == nil && !c.frozen {
		err = c.freeze()
	}
	return more, err
}

func (c *Core) publish(report *drift.Report, alarms []drift.AlarmEvent, latest bool) error {
	id := c.o.Identity
	report.Pipeline, report.Model, report.Version = c.o.Pipeline, id.Model, id.Version
	value, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("write the report of %s: %w", report.Window, err)
	}
	key := id.Model + "/" + id.Version + "/" + report.Window
	c.out.Reports = append(c.out.Reports, Published{Key: []byte(key), Value: value})
	if latest {
		if c.out.Latest == nil {
			c.out.Latest = map[string][]byte{}
		}
		c.out.Latest[key] = value
	}
	c.out.bytes += len(value)
	for i := range alarms {
		alarm, err := alarmRecord(c.o.Pipeline, id.Token(), id, &alarms[i])
		if err != nil {
			return err
		}
		c.out.Alarms = append(c.out.Alarms, alarm)
		c.out.bytes += len(alarm.Value)
		if c.alarming = nil; alarms[i].Begins {
			c.alarming = &alarms[i]
		}
	}
	if c.alarming != nil {
		c.alarming.Severity, c.alarming.Features = c.judge.Alarm()
	}
	return nil
}

// freeze makes a reference of what was collected, once it is complete.
func (c *Core) freeze() error {
	panes, complete := c.windows.Collected()
	if !complete {
		return nil
	}
	ref, err := drift.Collect(c.o.Fields, panes, c.o.Block)
	if err != nil {
		return fmt.Errorf("freeze the reference: %w", err)
	}
	encoded, err := ref.Encode()
	if err != nil {
		return fmt.Errorf("freeze the reference: %w", err)
	}
	c.frozen = true
	c.out.State = append(c.out.State, StateRecord{Identity: c.o.Identity.Token(), Key: frozenKey, Value: []byte(ref.Digest())})
	c.out.Reference = &FrozenReference{
		Model: c.o.Identity.Model, Version: c.o.Identity.Version, Encoded: encoded, Digest: ref.Digest(),
	}
	return nil
}

// Output is what is to be committed: what was made since Saved, with the state that
// changed. It removes at most so many records of the state that count no more; the
// others wait. Apply and Advance may add to it.
func (c *Core) Output(removed int) *Output {
	token := c.o.Identity.Token()
	out := c.out
	out.State = slices.Clip(out.State)
	for key, value := range c.windows.Sums() {
		out.Sums = append(out.Sums, StateRecord{Identity: token, Key: windowsPrefix + key, Value: value})
	}
	for key, value := range c.windows.Head() {
		out.State = append(out.State, StateRecord{Identity: token, Key: windowsPrefix + key, Value: value})
	}
	for _, key := range c.windows.Obsolete(removed) {
		out.State = append(out.State, StateRecord{Identity: token, Key: windowsPrefix + key})
	}
	if state := c.judge.State(); !bytes.Equal(state, c.judged) {
		out.State = append(out.State, StateRecord{Identity: token, Key: judgeKey, Value: state})
	}
	if state := c.told(); !bytes.Equal(state, c.toldBefore) {
		out.State = append(out.State, StateRecord{Identity: token, Key: toldKey, Value: state})
	}
	return &out
}

// Saved says that what Output gave is committed.
func (c *Core) Saved() {
	c.windows.Saved()
	c.judged, c.toldBefore = c.judge.State(), c.told()
	c.out = Output{}
}

// Waiting tells whether reports or alarms were made since Saved.
func (c *Core) Waiting() bool { return len(c.out.Reports)+len(c.out.Alarms) > 0 }

// Frozen tells whether a reference was made: the core has done its work.
func (c *Core) Frozen() bool { return c.frozen }

// Counts are what became of deltas.
func (c *Core) Counts() Counts { return c.counts }

// Gauges say where the windows stand.
func (c *Core) Gauges() drift.WindowsGauges { return c.windows.Gauges() }
