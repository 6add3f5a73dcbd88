package monitor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/penstock/penstock/drift"
)

// Reports are the latest of each window that the pipeline has published,
// whichever process did. It is safe for concurrent use.
type Reports struct {
	mu     sync.Mutex // protects latest
	latest map[reportKey]*drift.Report
}

// reportKey names the stretches of event time that follow one another.
type reportKey struct{ model, version, window string }

// mostReports bounds what is kept: versions of long ago go first.
const mostReports = 64

// Latest gives them by window, the most recent first among the versions of a
// model. They are not to be changed.
func (r *Reports) Latest() []*drift.Report {
	r.mu.Lock()
	all := make([]*drift.Report, 0, len(r.latest))
	for _, report := range r.latest {
		all = append(all, report)
	}
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b *drift.Report) int {
		return cmp.Or(
			cmp.Compare(a.End.Sub(a.Start), b.End.Sub(b.Start)), cmp.Compare(a.Window, b.Window),
			b.End.Compare(a.End), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Version, b.Version),
		)
	})
	return all
}

// Take notes a report that was published.
func (r *Reports) Take(record []byte) error {
	report := new(drift.Report)
	if err := json.Unmarshal(record, report); err != nil {
		return fmt.Errorf("read a report: %w", err)
	}
	key := reportKey{report.Model, report.Version, report.Window}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.latest[key]
	// A correction of an earlier stretch is not the latest word on the window.
	if known != nil && cmp.Or(report.End.Compare(known.End), cmp.Compare(report.Revision, known.Revision)) < 0 {
		return nil
	}
	if r.latest == nil {
		r.latest = map[reportKey]*drift.Report{}
	}
	r.latest[key] = report
	if len(r.latest) > mostReports {
		r.forget()
	}
	return nil
}

// forget drops the report that ended first.
func (r *Reports) forget() {
	var oldest reportKey
	for key, report := range r.latest {
		if first := r.latest[oldest]; first == nil || report.End.Before(first.End) {
			oldest = key
		}
	}
	delete(r.latest, oldest)
}

// ReportReader reads the latest reports that the pipeline has published, and what
// follows.
type ReportReader interface {
	// Next waits for reports.
	Next(ctx context.Context) (records [][]byte, err error)
	Close()
}

// Follow reads reports until ctx ends. It waits for a broker that is away.
func (r *Reports) Follow(ctx context.Context, open func(ctx context.Context) (ReportReader, error), log *slog.Logger) {
	waits := newWaits()
	for ctx.Err() == nil {
		err := r.follow(ctx, open, waits.Reset, log)
		if ctx.Err() != nil {
			return
		}
		log.Debug("drift reports cannot be read; trying again with back-off", "error", err)
		pause(ctx, waits.NextBackOff())
	}
}

func (r *Reports) follow(ctx context.Context, open func(ctx context.Context) (ReportReader, error), proven func(), log *slog.Logger) error {
	published, err := open(ctx)
	if err != nil {
		return err
	}
	defer published.Close()
	for {
		records, err := published.Next(ctx)
		if err != nil {
			return err
		}
		for _, record := range records {
			if err := r.Take(record); err != nil {
				log.Warn("a drift report is not one", "error", err)
			}
		}
		proven()
	}
}
