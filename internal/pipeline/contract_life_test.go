package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// latest: where a new pipeline begins is committed before anything else, so
// that what was published before is never seen, whatever fails first.
func (c *contract) latest() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	s.Publish(t, numbered(1, 10, 1)...)
	m := &doubler{broken: errors.New("gone")}
	latest := func(o *setup) { o.open.Start = "latest" }
	r := c.start(m, latest)
	eventually(t, "a position", func() error {
		if at, ok := s.Positions(t)[0]; !ok || at != 10 {
			return fmt.Errorf("%d, %t", at, ok)
		}
		return nil
	})
	s.Publish(t, numbered(11, 20, 1)...)
	r.unready("model", "gone")
	r.kill()
	c.start(&doubler{}, latest)
	settled(t, s.Read(t, sink, 10), 11, 20)
}

// drain: what was polled is scored, published and committed; a drain that takes
// too long is cut, and says so.
func (c *contract) drain() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	entered, release := make(chan struct{}, 100), make(chan struct{})
	m := &doubler{before: func(rows []float32) {
		if slices.Contains(rows, 1) {
			entered <- struct{}{}
			<-release
		}
	}}
	r := c.start(m)
	s.Publish(t, numbered(1, 10, 1)...)
	<-entered
	r.drain()
	r.unready("drain", "stopping")
	close(release)
	if err := r.wait(); err != nil {
		t.Fatalf("drain: %v", err)
	}
	at := s.Positions(t)[0]
	if at == 0 {
		t.Error("the drain did not commit what was polled")
	}
	predictions := s.Read(t, sink, int(at))
	if int64(len(predictions)) != at {
		t.Errorf("position %d, but %d predictions", at, len(predictions))
	}
	stuck := make(chan struct{})
	slow := &doubler{before: func(rows []float32) {
		if slices.Contains(rows, 50) {
			entered <- struct{}{}
			<-stuck
		}
	}}
	r = c.start(slow, func(o *setup) { o.config.DrainTimeout = 50 * time.Millisecond })
	s.Publish(t, event(0, 50))
	<-entered
	r.drain()
	time.AfterFunc(300*time.Millisecond, func() { close(stuck) })
	if err := r.wait(); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("a drain that was cut ended with %v", err)
	}
}

// abort: nothing of the open epoch is there, and it comes again.
func (c *contract) abort() {
	t, s := c.t, c.stream
	s.Create(t, 1, 1)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	m := &doubler{before: func(rows []float32) {
		if slices.Contains(rows, 40) {
			once.Do(func() { close(entered); <-release })
		}
	}}
	r := c.start(m, func(o *setup) { o.config.BatchRows = 8; o.config.CommitInterval = time.Minute })
	s.Publish(t, numbered(1, 60, 1)...)
	<-entered
	r.Abort()
	close(release)
	if err := r.wait(); err == nil {
		t.Error("an abort ended without an error")
	}
	c.start(&doubler{})
	predicted(t, s, c.exactlyOnce, 1, 60)
}

// secondWorker: a worker that joins takes partitions over while epochs are
// open; nothing is lost, and exactly once nothing is doubled. Nor when it
// leaves.
func (c *contract) secondWorker() {
	t, s := c.t, c.stream
	s.Create(t, 4, 4)
	slow := func() *doubler {
		return &doubler{before: func([]float32) { time.Sleep(2 * time.Millisecond) }}
	}
	small := func(o *setup) { o.config.BatchRows = 4 }
	c.start(slow(), small)
	s.Publish(t, numbered(1, 200, 4)...)
	second := c.start(slow(), small, func(o *setup) { o.open.Instance = "b" })
	s.Publish(t, numbered(201, 400, 4)...)
	eventually(t, "partitions of the second", func() error {
		if n := len(second.Status().Partitions); n == 0 || n == 4 {
			return fmt.Errorf("%d partitions", n)
		}
		return nil
	})
	s.Publish(t, numbered(401, 600, 4)...)
	second.stop()
	s.Publish(t, numbered(601, 800, 4)...)
	predicted(t, s, c.exactlyOnce, 1, 800)
}

// away: a broker that goes away while epochs are open is waited for.
func (c *contract) away() {
	t, s := c.t, c.stream
	s.Create(t, 2, 2)
	r := c.start(&doubler{before: func([]float32) { time.Sleep(time.Millisecond) }}, func(o *setup) { o.config.BatchRows = 4 })
	s.Publish(t, numbered(1, 400, 2)...)
	s.Read(t, sink, 1)
	back := s.Away(t)
	r.unready("broker", "broker")
	back()
	s.Publish(t, numbered(401, 500, 2)...)
	predicted(t, s, c.exactlyOnce, 1, 500)
	r.ready()
}

// awayAtStart: a broker that is not there yet, and topics that are not, are
// waited for, and /readyz says which.
func (c *contract) awayAtStart() {
	t, s := c.t, c.stream
	back := s.Away(t)
	r := c.start(&doubler{})
	r.unready("broker", "broker")
	back()
	r.unready("broker", s.Missing()+" (source) is missing")
	s.Create(t, 2, 2)
	s.Publish(t, numbered(1, 10, 2)...)
	settled(t, s.Read(t, sink, 10), 1, 10)
	r.ready()
}
