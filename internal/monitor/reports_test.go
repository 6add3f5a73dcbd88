package monitor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock/penstock/drift"
	"github.com/penstock/penstock/internal/telemetry"
)

func reportOf(version, window string, end, revision int) []byte {
	at := func(minute int) time.Time { return time.Unix(0, 0).UTC().Add(time.Duration(minute) * time.Minute) }
	length := map[string]int{"1h": 60, "24h": 1440}[window]
	record, err := json.Marshal(drift.Report{
		Model: "m", Version: version, Window: window, Start: at(end - length), End: at(end), Revision: revision,
	})
	if err != nil {
		panic(err)
	}
	return record
}

// TestReportsKeepTheLatest wants the last stretch of each window in its last
// revision, in whatever order they are read.
func TestReportsKeepTheLatest(t *testing.T) {
	var r Reports
	for _, record := range [][]byte{
		reportOf("1", "1h", 60, 0), reportOf("1", "1h", 65, 0), reportOf("1", "1h", 65, 1), reportOf("1", "1h", 60, 3), // a late correction
		reportOf("1", "24h", 1440, 2), reportOf("1", "24h", 1440, 1), reportOf("2", "1h", 70, 0),
	} {
		if err := r.Take(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Take([]byte("{")); err == nil {
		t.Error("half a report was taken")
	}
	var got strings.Builder
	for _, report := range r.Latest() {
		got.WriteString(fmt.Sprintln(report.Window, report.Version, report.End.Unix()/60, report.Revision))
	}
	if want := "1h 2 70 0\n1h 1 65 1\n24h 1 1440 2\n"; got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// TestReportsAreBounded forgets the versions of long ago.
func TestReportsAreBounded(t *testing.T) {
	var r Reports
	for version := range 3 * mostReports {
		if err := r.Take(reportOf(fmt.Sprint(version), "1h", version, 0)); err != nil {
			t.Fatal(err)
		}
	}
	all := r.Latest()
	if len(all) != mostReports || all[0].Version != fmt.Sprint(3*mostReports-1) {
		t.Errorf("%d are kept, the first of version %s", len(all), all[0].Version)
	}
}

// TestOwnReports: a process shows those as its own that it makes. An alarm of a version
// that nobody runs any more, or of before the reference was changed, would be on for as
// long as its report is kept.
func TestOwnReports(t *testing.T) {
	o := testCore(t)
	m := New(Options{Core: o})
	ours := &drift.Report{Model: o.Identity.Model, Version: o.Identity.Version, Reference: drift.ReportReference{Digest: o.Reference.Digest()}}
	model, version, reference := *ours, *ours, *ours
	model.Model, version.Version, reference.Reference.Digest = "other", "0", "sha256:0"
	all := []*drift.Report{&model, ours, &version, &reference}
	if own := m.Own(slices.Clone(all)); len(own) != 0 {
		t.Errorf("a process that makes none has %d", len(own))
	}
	m.show(telemetry.DriftStatus{State: stateOwner})
	if own := m.Own(all); len(own) != 1 || own[0] != ours {
		t.Errorf("the owner has %d", len(own))
	}
}
