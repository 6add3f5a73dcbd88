package drift

import (
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine
)

// calendarZones are years in which something happens at or near midnight.
var calendarZones = []struct {
	zone     string
	from, to int           // years
	step     time.Duration // that divides all bounds
}{
	{"UTC", 2024, 2026, 15 * time.Minute},
	{"Europe/Berlin", 2024, 2026, 15 * time.Minute},
	{"America/Sao_Paulo", 2016, 2018, 15 * time.Minute},   // forward at midnight: days begin at 01:00
	{"Africa/Cairo", 2023, 2025, 15 * time.Minute},        // the same, and back at midnight
	{"America/St_Johns", 2009, 2010, time.Minute},         // back at 00:01: midnight comes twice
	{"Asia/Kolkata", 2024, 2025, 15 * time.Minute},        // half an hour
	{"Asia/Kathmandu", 2024, 2025, 15 * time.Minute},      // a quarter
	{"Australia/Lord_Howe", 2024, 2026, 15 * time.Minute}, // half an hour of daylight saving
	{"Pacific/Apia", 2011, 2012, 15 * time.Minute},        // 30 December 2011 never was
}

// walkUnits finds where units begin by walking through time and looking at the
// latest date so far.
func walkUnits(unit string, zone *time.Location, from, to time.Time, step time.Duration) []int64 {
	var starts []int64
	latest, last := "", ""
	for t := from; t.Before(to); t = t.Add(step) {
		date := t.In(zone).Format(time.DateOnly)
		if date <= latest {
			continue
		}
		latest = date
		day, _ := time.Parse(time.DateOnly, date)
		id := date
		switch unit {
		case "1w":
			for day.Weekday() != time.Monday {
				day = day.AddDate(0, 0, -1)
			}
			id = day.Format(time.DateOnly)
		case "1mo":
			id = day.Format("2006-01")
		}
		if id != last && last != "" {
			starts = append(starts, t.UnixMilli())
		}
		last = id
	}
	return starts
}

func TestCalendarIsThatOfAWalkThroughTheYears(t *testing.T) {
	for _, c := range calendarZones {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		from, to := time.Date(c.from, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(c.to, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, unit := range []string{"1d", "1w", "1mo"} {
			starts := walkUnits(unit, zone, from, to, c.step)
			for i, start := range starts[:len(starts)-1] {
				want := Span{start, starts[i+1]}
				for _, at := range []int64{want.Start, want.Start + want.length()/2, want.End - 1} {
					if got := (calendar{unit, zone}).span(at); got != want {
						t.Fatalf("%s of %s at %s is %s, want %s", unit, c.zone, time.UnixMilli(at).In(zone), inZone(got, zone), inZone(want, zone))
					}
				}
			}
		}
	}
}

func inZone(s Span, zone *time.Location) string {
	return time.UnixMilli(s.Start).In(zone).String() + " to " + time.UnixMilli(s.End).In(zone).String()
}

// The walk tells the obvious way, time.Date of midnight, from the right one.
func TestMidnightByTimeDateIsNotWhereDaysBegin(t *testing.T) {
	wrong := map[string]int{}
	for _, c := range calendarZones {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		from, to := time.Date(c.from, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(c.to, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, start := range walkUnits("1d", zone, from, to, c.step) {
			year, month, day := time.UnixMilli(start).In(zone).Date()
			if time.Date(year, month, day, 0, 0, 0, 0, zone).UnixMilli() != start {
				wrong[c.zone]++
			}
		}
	}
	if wrong["America/Sao_Paulo"] == 0 || wrong["Europe/Berlin"] != 0 {
		t.Errorf("days that it gets wrong: %v", wrong)
	}
}

func TestDaysOfDaylightSaving(t *testing.T) {
	for _, c := range []struct {
		zone, at string
		want     time.Duration
		begins   string
	}{
		{"Europe/Berlin", "2026-03-29T12:00:00+02:00", 23 * time.Hour, "00:00"},
		{"Europe/Berlin", "2026-10-25T12:00:00+01:00", 25 * time.Hour, "00:00"},
		{"America/Sao_Paulo", "2017-10-15T12:00:00-02:00", 23 * time.Hour, "01:00"},
		{"Australia/Lord_Howe", "2025-04-06T12:00:00+10:30", 24*time.Hour + 30*time.Minute, "00:00"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		span := WindowSpec{Calendar: "1d"}.Step(at.UnixMilli(), zone)
		if begins := time.UnixMilli(span.Start).In(zone).Format("15:04"); span.length() != c.want.Milliseconds() || begins != c.begins {
			t.Errorf("the day of %s in %s begins at %s and has %s, want %s and %s", c.at, c.zone, begins, time.Duration(span.length())*time.Millisecond, c.begins, c.want)
		}
	}
}
