package cli

import (
	"context"
	"fmt"

	"github.com/penstock/penstock"
	"github.com/penstock/penstock/internal/config"
)

// letterBox is where a pipeline's dead letters are, and what is known of them.
type letterBox interface {
	// each gives all messages that are there now, in the order of their
	// partitions. ok is false for one that penstock did not write.
	each(ctx context.Context, take func(d *deadLetter, ok bool) error) error
	// readSentBack reads which of them were sent back.
	readSentBack(ctx context.Context) (*sentBack, error)
	// eventID reads an event's id, as a dead letter names it.
	eventID(id string) (penstock.EventID, error)
	// sources learns what the source has now; reads tells whether that still
	// holds an event's place.
	sources(ctx context.Context) error
	reads(e *penstock.EventID) bool
	// openReturn begins to send back. The caller closes it.
	openReturn(ctx context.Context) (letterReturn, error)
	close()
}

// letterReturn sends dead letters back to the source.
type letterReturn interface {
	// send publishes the events of letters, and remembers that in the blocks.
	send(ctx context.Context, letters []*deadLetter, sent *sentBack, blocks []string) error
	close()
}

// letters are a pipeline's dead letters.
type letters struct {
	letterBox
	p      *config.Pipeline
	others int64 // messages of other pipelines, or of nobody, that were passed over
}

// openLetters connects to the pipeline's dead letters. The caller closes them.
func (s *session) openLetters(ctx context.Context, path string, set []string) (*letters, error) {
	f, err := s.loadPipeline(path, set)
	if err != nil {
		return nil, err
	}
	l := &letters{p: &f.Pipeline}
	if l.p.Broker.Kafka != nil {
		l.letterBox, err = s.openKafkaLetters(ctx, path, l.p)
	} else {
		l.letterBox, err = s.openNATSLetters(ctx, l.p)
	}
	if err != nil {
		return nil, explained(ctx, err)
	}
	return l, nil
}

// own gives the pipeline's dead letters that are there now to take.
func (l *letters) own(ctx context.Context, take func(d *deadLetter) error) error {
	return l.each(ctx, func(d *deadLetter, ok bool) error {
		if !ok || d.pipeline != l.p.Name {
			l.others++
			return nil
		}
		return take(d)
	})
}

// tellOthers says what was passed over.
func (l *letters) tellOthers(s *session) {
	if l.others > 0 {
		fmt.Fprintf(s.Err, "%s other records in the dead letter topics are not of pipeline %s\n", count(l.others), l.p.Name)
	}
}
