//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// load is what a driver sends.
type load struct {
	topics
	events  string
	rate    int // events a second; 0: one at a time
	seconds int
	warm    int // seconds before those that count
	pid     int
}

// outcome is what came of it, in milliseconds. It is printed as one line of JSON.
type outcome struct {
	Events     int     `json:"events"`
	Lost       int     `json:"lost"`
	Doubled    int     `json:"doubled"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	Max        float64 `json:"max_ms"`
	MicrosCPU  float64 `json:"cpu_us_per_event,omitzero"`
	Throughput float64 `json:"events_per_s"`
}

func runDrive(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("drive", flag.ContinueOnError)
	var l load
	l.flags(f)
	f.StringVar(&l.events, "events", "", "JSON lines, sent again and again")
	f.IntVar(&l.rate, "rate", 2000, "events a second; 0: one at a time, each when the one before is out")
	f.IntVar(&l.seconds, "seconds", 6, "how long it measures")
	f.IntVar(&l.warm, "warm", 2, "seconds before that")
	f.IntVar(&l.pid, "pid", 0, "process whose CPU time an event is told")
	if err := f.Parse(args); err != nil {
		return err
	}
	o, err := drive(ctx, l)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}

// stampKey is the header with an event's number and when it was sent, each 8
// bytes, big-endian, the time in ns of the Unix epoch. Whoever is measured copies
// it.
const stampKey = "stamp"

// settle is how long the driver waits for what is still on its way.
const settle = 15 * time.Second

// drive sends a load and measures what comes out.
func drive(ctx context.Context, l load) (outcome, error) {
	events, err := readEvents(l.events)
	if err != nil {
		return outcome{}, err
	}
	sink, err := kgo.NewClient(kgo.SeedBrokers(l.seeds()...), kgo.ConsumeTopics(l.out), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))
	if err != nil {
		return outcome{}, err
	}
	defer sink.Close()
	source, err := kgo.NewClient(kgo.SeedBrokers(l.seeds()...), kgo.DefaultProduceTopic(l.in), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return outcome{}, err
	}
	defer source.Close()
	d := &driver{
		load: l, events: events, source: source, sink: sink, came: make(chan struct{}, 1), first: math.MaxInt,
	}
	return d.run(ctx)
}

func readEvents(file string) ([][]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read events: %w: name a file of JSON lines with -events", err)
	}
	defer in.Close()
	var events [][]byte
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		events = append(events, []byte(lines.Text()))
	}
	if len(events) == 0 && lines.Err() == nil {
		return nil, fmt.Errorf("read events: %s has none", file)
	}
	return events, lines.Err()
}

type driver struct {
	load
	events       [][]byte
	source, sink *kgo.Client
	came         chan struct{} // told when something came out

	mu      sync.Mutex // guards what follows
	sent    []bool     // by number; true: it is out
	failed  error
	doubled int
	took    []time.Duration // of those that count
	first   int             // the number from which on they count
}

func (d *driver) run(ctx context.Context) (outcome, error) {
	reading, stop := context.WithCancel(ctx)
	var reader sync.WaitGroup
	reader.Go(func() { d.read(reading) })
	defer reader.Wait()
	defer stop()
	if err := d.connect(ctx); err != nil {
		return outcome{}, err
	}
	send := d.steady
	if d.rate == 0 {
		send = d.lone
	}
	send(ctx, time.Duration(d.warm)*time.Second)
	before, err := d.cpu()
	if err != nil {
		return outcome{}, err
	}
	start := time.Now()
	d.mu.Lock()
	d.first = len(d.sent)
	d.mu.Unlock()
	send(ctx, time.Duration(d.seconds)*time.Second)
	lasted := time.Since(start)
	after, err := d.cpu()
	if err != nil {
		return outcome{}, err
	}
	d.settle(ctx)
	return d.outcome(lasted, after-before)
}

func (d *driver) cpu() (time.Duration, error) {
	if d.pid == 0 {
		return 0, nil
	}
	return cpuTime(d.pid)
}

// connect sends events until one comes out: the consumer has its place, and
// whoever stands in between has joined.
func (d *driver) connect(ctx context.Context) error {
	for range 300 {
		d.send(ctx)
		select {
		case <-d.came:
			return nil
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("nothing came out of %s in a minute: is something copying events from %s to it, with their headers?", d.out0(), d.in)
}

func (d *driver) out0() string { return d.topics.out }

// send sends the next event.
func (d *driver) send(ctx context.Context) {
	d.mu.Lock()
	number := len(d.sent)
	d.sent = append(d.sent, false)
	d.mu.Unlock()
	stamp := make([]byte, 16)
	binary.BigEndian.PutUint64(stamp, uint64(number))
	binary.BigEndian.PutUint64(stamp[8:], uint64(time.Now().UnixNano()))
	d.source.Produce(ctx, &kgo.Record{
		Value:   d.events[number%len(d.events)],
		Headers: []kgo.RecordHeader{{Key: stampKey, Value: stamp}},
	}, func(_ *kgo.Record, err error) {
		if err != nil {
			d.mu.Lock()
			d.failed = errors.Join(d.failed, err)
			d.mu.Unlock()
		}
	})
}

// steady sends at the rate, whatever comes out: an open loop. What is due when
// it wakes it sends at once, and an event's time counts from its own send.
func (d *driver) steady(ctx context.Context, lasts time.Duration) {
	start := time.Now()
	for n := 0; ctx.Err() == nil; {
		elapsed := time.Since(start)
		for due := int(elapsed.Seconds() * float64(d.rate)); n < due; n++ {
			d.send(ctx)
		}
		if elapsed >= lasts {
			return
		}
		time.Sleep(max(time.Second/time.Duration(d.rate), 500*time.Microsecond))
	}
}

// lone sends one event, waits until it is out and some 20 ms more, by chance, so
// that no two fall into step.
func (d *driver) lone(ctx context.Context, lasts time.Duration) {
	for start := time.Now(); time.Since(start) < lasts && ctx.Err() == nil; {
		select {
		case <-d.came: // of an earlier one
		default:
		}
		d.send(ctx)
		select {
		case <-d.came:
		case <-time.After(settle):
		}
		time.Sleep(10*time.Millisecond + rand.N(20*time.Millisecond))
	}
}

// read takes the times of what comes out.
func (d *driver) read(ctx context.Context) {
	for {
		fetches := d.sink.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		now := time.Now()
		d.mu.Lock()
		if err := fetches.Err(); err != nil {
			d.failed = errors.Join(d.failed, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { d.arrived(r, now) })
		d.mu.Unlock()
	}
}

// arrived notes one record; d.mu is held.
func (d *driver) arrived(r *kgo.Record, now time.Time) {
	for _, h := range r.Headers {
		if h.Key != stampKey || len(h.Value) != 16 {
			continue
		}
		number, sent := binary.BigEndian.Uint64(h.Value), time.Unix(0, int64(binary.BigEndian.Uint64(h.Value[8:])))
		switch {
		case number >= uint64(len(d.sent)):
			return // of a driver before this one
		case d.sent[number]:
			d.doubled++
		case number >= uint64(d.first):
			d.took = append(d.took, now.Sub(sent))
		}
		d.sent[number] = true
	}
	select {
	case d.came <- struct{}{}:
	default:
	}
}

// settle waits until all is out, or nothing more comes.
func (d *driver) settle(ctx context.Context) {
	for {
		if d.lost() == 0 {
			return
		}
		select {
		case <-d.came:
		case <-time.After(settle):
			return
		case <-ctx.Done():
			return
		}
	}
}

// lost counts what has been sent, counts, and is not out.
func (d *driver) lost() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, out := range d.sent[min(d.first, len(d.sent)):] {
		if !out {
			n++
		}
	}
	return n
}

func (d *driver) outcome(lasted, cpu time.Duration) (outcome, error) {
	lost := d.lost()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil || len(d.took) == 0 {
		return outcome{}, errors.Join(fmt.Errorf("%d events came out, %d did not", len(d.took), lost), d.failed)
	}
	q := quantiles(d.took, 0.5, 0.99, 1)
	return outcome{
		Events: len(d.took), Lost: lost, Doubled: d.doubled,
		P50: q[0], P99: q[1], Max: q[2],
		MicrosCPU:  float64(cpu.Microseconds()) / float64(len(d.took)),
		Throughput: float64(len(d.took)) / lasted.Seconds(),
	}, nil
}
