package cli

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// redrive is one run of the command.
type redrive struct {
	command *dlqRedriveCommand
	session *session
	letters *letters
	started time.Time

	back letterReturn // nil for a dry run
	sent *sentBack

	chunk   []*deadLetter // to send next, all at once
	bytes   int
	touched []string // keys of blocks that the chunk changes

	done, before, truncated, strangers int64
}

// run sends back what is left to send.
func (r *redrive) run(ctx context.Context) error {
	r.chunk, r.touched, r.bytes = nil, nil, 0
	r.truncated, r.strangers, r.letters.others = 0, 0, 0
	r.before = -r.done // an earlier try's are met again
	if !r.command.DryRun {
		var err error
		if r.back, err = r.letters.openReturn(ctx); err != nil {
			return err
		}
		defer r.back.close()
	}
	if err := r.letters.sources(ctx); err != nil {
		return err
	}
	var err error
	if r.sent, err = r.letters.readSentBack(ctx); err != nil {
		return err
	}
	if err := r.letters.own(ctx, func(d *deadLetter) error { return r.take(ctx, d) }); err != nil {
		return err
	}
	return r.commit(ctx)
}

// take adds a dead letter to the chunk, and sends it when that is full.
func (r *redrive) take(ctx context.Context, d *deadLetter) error {
	if !r.command.takes(d) {
		return nil
	}
	switch {
	case r.sent.has(&d.place):
		r.before++
		return nil
	case d.truncated:
		r.truncated++
		return nil
	case !r.letters.reads(&d.event):
		r.strangers++
		return nil
	}
	if r.command.DryRun {
		r.done++
		_, err := fmt.Fprintf(r.session.Out, "%s %s %s\n", d.id, d.class, d.reason)
		return err
	}
	r.chunk = append(r.chunk, d)
	r.bytes += len(d.key) + len(d.value)
	if key := r.sent.add(&d.place); !slices.Contains(r.touched, key) {
		r.touched = append(r.touched, key)
	}
	if len(r.chunk) < redriveRecords && r.bytes < redriveBytes {
		return nil
	}
	return r.commit(ctx)
}

// commit sends the chunk and what it changes in the memory.
func (r *redrive) commit(ctx context.Context) error {
	if len(r.chunk) == 0 {
		return nil
	}
	if err := r.back.send(ctx, r.chunk, r.sent, r.touched); err != nil {
		return err
	}
	r.done += int64(len(r.chunk))
	r.chunk, r.touched, r.bytes = nil, nil, 0
	return nil
}

func (r *redrive) summarize() {
	if r.command.Quiet {
		return
	}
	r.letters.tellOthers(r.session)
	if r.session.logJSON {
		r.session.log.Info("redrive", "dry_run", r.command.DryRun, "sent_back", r.done, "sent_back_before", r.before,
			"truncated", r.truncated, "other_topics", r.strangers, "seconds", time.Since(r.started).Seconds())
		return
	}
	verb := "sent back"
	if r.command.DryRun {
		verb = "would be sent back"
	}
	w := r.session.Err
	fmt.Fprintf(w, "%s %s", deadLetters(r.done), verb)
	if r.before > 0 {
		fmt.Fprintf(w, "; %s were sent back before", count(r.before))
	}
	if r.truncated > 0 {
		fmt.Fprintf(w, "; %s cannot be, since their values were too large to keep", count(r.truncated))
	}
	if r.strangers > 0 {
		what := "topics"
		if r.letters.p.Broker.Kafka == nil {
			what = "subjects"
		}
		fmt.Fprintf(w, "; %s cannot be, since they came from %s that the source no longer has", count(r.strangers), what)
	}
	fmt.Fprintln(w)
}
