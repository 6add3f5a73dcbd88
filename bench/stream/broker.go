//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/penstock/penstock/internal/kafkatest"
)

// runBroker runs a Kafka for others to be measured on.
func runBroker(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("broker", flag.ContinueOnError)
	delay := f.Duration("delay", 0, "what the proxied listener adds, each way")
	partitions := f.Int("partitions", 4, "of each topic")
	retention := f.Int64("retention", 0, "`bytes` of a partition that are kept; 0: all")
	names := topics{}
	names.flags(f)
	if err := f.Parse(args); err != nil {
		return err
	}
	b, err := openBroker(ctx, kafkatest.Options{Delay: *delay, Lasting: true, Properties: keeping(*retention)}, int32(*partitions), names.in, names.out)
	if err != nil {
		return err
	}
	defer b.Close()
	fmt.Printf("plain %s\nproxied %s\npid %d\n", b.Addr(kafkatest.Plaintext), b.Addr(kafkatest.Proxied), b.PID())
	<-ctx.Done()
	return nil
}

// keeping are the properties of a broker that removes what is old soon after a
// partition has grown beyond so many bytes.
func keeping(bytes int64) map[string]string {
	if bytes == 0 {
		return nil
	}
	return map[string]string{
		"log.retention.bytes":             fmt.Sprint(bytes),
		"log.segment.bytes":               fmt.Sprint(bytes / 4),
		"log.retention.check.interval.ms": "2000",
		"log.segment.delete.delay.ms":     "1000",
	}
}

func openBroker(ctx context.Context, o kafkatest.Options, partitions int32, names ...string) (*kafkatest.Broker, error) {
	b, err := kafkatest.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := b.CreateTopic(ctx, name, partitions); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

// cpuTime is what a process has used so far, user and system.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "stat"))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	return parseCPU(text)
}

// parseCPU reads fields 14 and 15 of proc(5)'s stat, in ticks of 10 ms. The second
// field is the command, in parentheses, and may hold anything.
func parseCPU(stat []byte) (time.Duration, error) {
	var user, system int64
	for i := len(stat) - 1; i >= 0; i-- {
		if stat[i] != ')' {
			continue
		}
		var skip string
		fields := []any{&skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &user, &system}
		if _, err := fmt.Sscan(string(stat[i+1:]), fields...); err != nil {
			return 0, fmt.Errorf("read the CPU time of a process: %w", err)
		}
		return time.Duration(user+system) * 10 * time.Millisecond, nil
	}
	return 0, errors.New("read the CPU time of a process: its stat has no command")
}
