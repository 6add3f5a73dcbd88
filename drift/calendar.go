package drift

import "time"

// calendar cuts event time into days, weeks that begin on Mondays, or months of a
// zone. Such a unit begins with the first moment whose date there is its first day
// or a later one: where clocks are set forward at midnight that is 01:00, and a day
// that a zone left out is empty.
type calendar struct {
	unit string // 1d, 1w, 1mo
	zone *time.Location
}

// span is the unit that t lies in.
func (c calendar) span(t int64) Span {
	first := c.first(time.UnixMilli(t).In(c.zone))
	span := Span{Start: c.start(first), End: c.start(c.next(first))}
	for span.End <= t { // after clocks were set back over midnight, t's date is that of the day before
		first = c.next(first)
		span = Span{Start: span.End, End: c.start(c.next(first))}
	}
	return span
}

// first is the first day of the unit of t's date, as a time in UTC.
func (c calendar) first(t time.Time) time.Time {
	year, month, day := t.Date()
	switch c.unit {
	case "1w":
		day -= (int(t.Weekday()) + 6) % 7
	case "1mo":
		day = 1
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// next is the first day of the unit after the one that begins with first.
func (c calendar) next(first time.Time) time.Time {
	switch c.unit {
	case "1w":
		return first.AddDate(0, 0, 7)
	case "1mo":
		return first.AddDate(0, 1, 0)
	}
	return first.AddDate(0, 0, 1)
}

// start is the first moment whose date in the zone is day or later: it goes through
// the stretches of one offset from UTC from a day before midnight on.
func (c calendar) start(day time.Time) int64 {
	for at := day.AddDate(0, 0, -1).In(c.zone); ; {
		_, offset := at.Zone()
		begin, end := at.ZoneBounds()
		moment := day.Add(-time.Duration(offset) * time.Second)
		if !begin.IsZero() && moment.Before(begin) {
			moment = begin
		}
		if end.IsZero() || moment.Before(end) {
			return moment.UnixMilli()
		}
		at = end
	}
}
