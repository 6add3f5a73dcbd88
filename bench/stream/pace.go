//go:build unix

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/penstock/penstock/internal/kafkatest"
)

// variant is one way to pace the bare loop.
type variant struct {
	name string
	args []string
}

func variants() []variant {
	return []variant{
		{"none", []string{"-pause", "0"}},
		{"1 ms", []string{"-pause", "1ms"}},
		{"2 ms", []string{"-pause", "2ms"}},
		{"3 ms", []string{"-pause", "3ms"}},
		{"6 ms", []string{"-pause", "6ms"}},
		{"asked", []string{"-ask"}},
		{"v1, none", []string{"-pause", "0", "-v1"}},
	}
}

// trial is one variant under one load.
type trial struct {
	variant string
	rate    int
	driven  outcome
	passed  passed
}

// runPace repeats every variant under every load, in turn, so that what else the
// machine does falls on all of them, and prints the medians.
func runPace(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("pace", flag.ContinueOnError)
	l := load{topics: topics{in: "in", out: "out"}}
	f.StringVar(&l.events, "events", "../testdata/models/card_fraud_gbdt/events.jsonl", "JSON lines, sent again and again")
	f.IntVar(&l.seconds, "seconds", 6, "of a run")
	f.IntVar(&l.warm, "warm", 2, "seconds before those")
	brokerWarm := f.Int("broker-warm", 40, "seconds of load that the broker has before anything is measured")
	rounds := f.Int("rounds", 3, "runs of each")
	delay := f.Duration("delay", 0, "what a proxy before the loop adds, each way")
	only := f.String("only", "", "comma-separated `names` of variants; empty: all")
	if err := f.Parse(args); err != nil {
		return err
	}
	b, err := openBroker(ctx, kafkatest.Options{Delay: *delay, Lasting: true}, 4, l.in, l.out)
	if err != nil {
		return err
	}
	defer b.Close()
	l.brokers = b.Addr(kafkatest.Plaintext)
	loopAt := l.brokers
	if *delay > 0 {
		loopAt = b.Addr(kafkatest.Proxied)
	}
	// The broker's JVM compiles what is hot in its first minute.
	warm := l
	warm.rate, warm.warm, warm.seconds = 10000, 0, *brokerWarm
	if _, err := try(ctx, warm, []string{"-ask", "-brokers", loopAt, "-group", "warm"}); err != nil {
		return fmt.Errorf("warm the broker: %w", err)
	}
	var trials []trial
	for round := range *rounds {
		for _, l.rate = range []int{0, 2000, 10000} {
			for i, v := range variants() {
				if *only != "" && !strings.Contains(","+*only+",", ","+v.name+",") {
					continue
				}
				group := fmt.Sprintf("pass-%d-%d-%d", round, l.rate, i)
				t, err := try(ctx, l, append(v.args, "-brokers", loopAt, "-group", group))
				if err != nil {
					return fmt.Errorf("%s at %d/s: %w", v.name, l.rate, err)
				}
				t.variant, t.rate = v.name, l.rate
				trials = append(trials, t)
				fmt.Fprintf(os.Stderr, "round %d %s %s: %+v\n", round, named(l.rate), v.name, t)
			}
		}
	}
	report(trials, *rounds, l.seconds)
	return nil
}

// try drives a load through a loop that runs as a process of its own.
func try(ctx context.Context, l load, args []string) (trial, error) {
	self, err := os.Executable()
	if err != nil {
		return trial{}, err
	}
	var out bytes.Buffer
	loop := exec.CommandContext(ctx, self, append([]string{"pass"}, args...)...)
	loop.Stdout, loop.Stderr = &out, os.Stderr
	loop.Cancel = func() error { return loop.Process.Signal(syscall.SIGTERM) }
	loop.WaitDelay = 2 * shutdownLimit
	if err := loop.Start(); err != nil {
		return trial{}, err
	}
	l.pid = loop.Process.Pid
	var t trial
	t.driven, err = drive(ctx, l)
	// Also after an error the loop is ended; that one counts then.
	signalled := loop.Process.Signal(syscall.SIGTERM)
	ended := loop.Wait()
	if err := cmp.Or(err, signalled, ended); err != nil {
		return trial{}, err
	}
	return t, json.Unmarshal(out.Bytes(), &t.passed)
}

// named names a rate.
func named(rate int) string {
	if rate == 0 {
		return "one at a time"
	}
	return fmt.Sprintf("%d/s", rate)
}

// report prints the medians of each variant under each load.
func report(trials []trial, rounds, seconds int) {
	fmt.Printf("medians of %d runs of %d s each, in turn; ms, and µs of CPU an event; %s\n\n", rounds, seconds, time.Now().UTC().Format(time.DateOnly))
	fmt.Printf("%-14s %-9s %7s %7s %7s %8s %8s %8s %8s %8s %8s %8s\n",
		"load", "pause", "p50", "p99", "max", "CPU µs", "epoch/s", "stalls", "ack p25", "ack p50", "ack p99", "gap p50")
	type key struct {
		rate    int
		variant string
	}
	runs := map[key][]trial{}
	var order []key
	for _, t := range trials {
		k := key{t.rate, t.variant}
		if runs[k] == nil {
			order = append(order, k)
		}
		runs[k] = append(runs[k], t)
	}
	for _, k := range order {
		of := func(value func(t trial) float64) float64 {
			var all []float64
			for _, t := range runs[k] {
				all = append(all, value(t))
			}
			return median(all)
		}
		fmt.Printf("%-14s %-9s %7.1f %7.1f %7.1f %8.1f %8.0f %7.1f%% %8.1f %8.1f %8.1f %8.2f\n", named(k.rate), k.variant,
			of(func(t trial) float64 { return t.driven.P50 }),
			of(func(t trial) float64 { return t.driven.P99 }),
			of(func(t trial) float64 { return t.driven.Max }),
			of(func(t trial) float64 { return t.driven.MicrosCPU }),
			of(func(t trial) float64 { return t.passed.Epochs }),
			of(func(t trial) float64 { return 100 * t.passed.Stalls }),
			of(func(t trial) float64 { return t.passed.FirstAck.P25 }),
			of(func(t trial) float64 { return t.passed.FirstAck.P50 }),
			of(func(t trial) float64 { return t.passed.FirstAck.P99 }),
			of(func(t trial) float64 { return t.passed.Gap.P50 }))
	}
}
