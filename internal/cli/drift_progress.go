package cli

import (
	"os"
	"time"
)

// driftProgress draws the bar of a drift command.
type driftProgress struct {
	bar  *progress
	rows tally
}

// newDriftProgress is a bar for files, none where quiet.
func (s *session) newDriftProgress(files []string, quiet bool) *driftProgress {
	var bytes int64
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			bytes += info.Size()
		}
	}
	p := &driftProgress{bar: newProgress(s.Err, nil, bytes, time.Now())}
	p.bar.what = "rows"
	if quiet || s.logJSON {
		p.bar.w = nil
	}
	return p
}

// update is told how many rows and bytes were read.
func (p *driftProgress) update(rows, bytes int64) {
	p.rows.predicted = rows
	p.bar.update(&p.rows, bytes, time.Now())
}
