package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// runServer starts a server with both streams and prints its address.
func runServer(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("server", flag.ExitOnError)
	dir := f.String("dir", "", "`folder` of the streams")
	sync := f.Bool("sync", false, "sync each write before it is acknowledged")
	port := f.Int("port", 4222, "`port` on loopback")
	_ = f.Parse(args) // it exits by itself
	if *dir == "" {
		return errors.New("server: give -dir")
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: *port, JetStream: true, StoreDir: *dir, SyncAlways: *sync, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(30 * time.Second) {
		return errors.New("server: it is not ready in time")
	}
	p := place{url: s.ClientURL()}
	js, err := p.connect()
	if err != nil {
		return err
	}
	if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: source, Subjects: []string{"in.*"}}); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	fmt.Println("ready", s.ClientURL())
	<-ctx.Done()
	return nil
}
