package driftfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock/penstock/internal/eventfile"
	"github.com/penstock/penstock/internal/nearest"
)

// Input is files whose rows are counted together.
type Input struct {
	Files     []string
	Format    eventfile.Format // 0: by each file's name
	EventTime string           // the column; empty without one
	Zone      *time.Location   // of times that name none
	// Progress is told from time to time how many rows and bytes of all files were read.
	Progress func(rows, bytes int64)
}

// open opens a file of the input.
func (in *Input) open(path string) (*eventfile.Frames, error) {
	format := in.Format
	if format == 0 {
		var err error
		if format, err = eventfile.FormatOf(path); err != nil {
			return nil, err
		}
	}
	return eventfile.OpenFrames(path, format, in.Zone)
}

// columns are those of the first file, the event time left out.
func (in *Input) columns() ([]eventfile.FrameColumn, error) {
	f, err := in.open(in.Files[0])
	if err != nil {
		return nil, err
	}
	var columns []eventfile.FrameColumn
	found := in.EventTime == ""
	for _, c := range f.Columns() {
		if c.Name == in.EventTime && !found {
			found = true
		} else {
			columns = append(columns, c)
		}
	}
	if !found {
		err = unknownColumn(in.Files[0], in.EventTime, f.Columns())
	}
	return columns, errors.Join(err, f.Close())
}

// MissingColumn is a column that was named and is not there.
type MissingColumn struct{ text string }

func (e *MissingColumn) Error() string { return e.text }

func unknownColumn(file, name string, columns []eventfile.FrameColumn) error {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	hint := nearest.Hint(name, names, "its columns are "+list(names))
	return &MissingColumn{fmt.Sprintf("%s has no column %q; %s", file, name, hint)}
}

// wanted is a column to read.
type wanted struct {
	name string
	as   eventfile.Reading
}

// batch is the rows of one frame.
type batch struct {
	frame  *eventfile.Frame
	places []int             // of the columns within the file
	time   int               // place of the event time
	times  *eventfile.Vector // nil without an event time
}

// taker takes columns: prepare sees every batch first, then take gets each of
// its columns, several of them at the same time but each column in the order of
// the batches.
type taker interface {
	prepare(b *batch) error
	take(b *batch, field int, v *eventfile.Vector) error
}

// read gives all rows of the input to t.
func (in *Input) read(ctx context.Context, columns []wanted, t taker) error {
	p := pass{in: in, columns: columns, vectors: make([]eventfile.Vector, len(columns)), taker: t}
	for _, path := range in.Files {
		f, err := in.open(path)
		if err != nil {
			return err
		}
		p.file = f
		if err = errors.Join(p.run(ctx, path), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// pass is the reading of all files.
type pass struct {
	in          *Input
	columns     []wanted
	rows, bytes int64 // of the files so far

	file    *eventfile.Frames // that is being read
	places  []int             // of the columns within the file
	time    int               // place of the event time
	vectors []eventfile.Vector
	times   eventfile.Vector
	taker   taker
}

// framesAhead is how many frames are split into rows while one is counted.
const framesAhead = 2

// run reads one file.
func (p *pass) run(ctx context.Context, path string) (err error) {
	if err := p.bind(path); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	free, full := make(chan *eventfile.Frame, framesAhead+1), make(chan *eventfile.Frame)
	for range framesAhead + 1 {
		free <- new(eventfile.Frame)
	}
	var readErr error
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(full)
		readErr = p.frames(ctx, free, full)
	})
	defer func() {
		stop()
		reader.Wait()
		if err == nil {
			err = readErr
		}
	}()
	var done int64
	for frame := range full {
		if err := p.frame(frame); err != nil {
			return err
		}
		p.rows += int64(frame.Rows)
		done = frame.Done
		if p.in.Progress != nil {
			p.in.Progress(p.rows, p.bytes+done)
		}
		free <- frame
	}
	p.bytes += done
	return ctx.Err()
}

// frames splits the file into frames, in order.
func (p *pass) frames(ctx context.Context, free <-chan *eventfile.Frame, full chan<- *eventfile.Frame) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case frame := <-free:
			err := p.file.Next(frame)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			select {
			case full <- frame:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// bind finds the columns in the file.
func (p *pass) bind(path string) error {
	places := map[string]int{}
	for i, c := range p.file.Columns() {
		places[c.Name] = i
	}
	find := func(name string) (int, error) {
		if i, ok := places[name]; ok {
			return i, nil
		}
		return 0, unknownColumn(path, name, p.file.Columns())
	}
	p.places = p.places[:0]
	for _, c := range p.columns {
		i, err := find(c.name)
		if err != nil {
			return err
		}
		p.places = append(p.places, i)
	}
	if p.in.EventTime == "" {
		return nil
	}
	var err error
	p.time, err = find(p.in.EventTime)
	return err
}

// frame reads the columns of a frame, on all cores, and gives them out.
func (p *pass) frame(frame *eventfile.Frame) error {
	b := &batch{frame: frame, places: p.places, time: p.time}
	if p.in.EventTime != "" {
		if err := frame.Read(p.time, eventfile.AsTimes, &p.times); err != nil {
			return err
		}
		b.times = &p.times
	}
	if err := p.taker.prepare(b); err != nil {
		return err
	}
	errs := make([]error, len(p.columns))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(p.columns)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(p.columns); i = int(next.Add(1)) - 1 {
				errs[i] = frame.Read(p.places[i], p.columns[i].as, &p.vectors[i])
				if errs[i] == nil {
					errs[i] = p.taker.take(b, i, &p.vectors[i])
				}
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

// list is names for a message, not all of too many.
func list(names []string) string {
	const most = 20
	text := ""
	for i, name := range names {
		if i == most {
			return fmt.Sprintf("%s and %d more", text, len(names)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += name
	}
	return text
}
