package drift

// SkipUntil has windows that end by then, Unix milliseconds, summed and not told:
// others have told them. It comes before the first Advance.
func (w *Windows) SkipUntil(end int64) { w.from = end }

// Told is the end up to which all windows have been told, Unix milliseconds;
// math.MinInt64 before there was one.
func (w *Windows) Told() int64 {
	if w.collect != nil {
		return max(w.from, min(w.mark, w.collect.end))
	}
	return max(w.from, w.mark)
}

// tells tells whether a window is this one's to tell. While a reference is
// collected those are not that end after what it is made of: whoever compares with
// it tells them.
func (w *Windows) tells(span Span) bool {
	return span.End > w.from && (w.collect == nil || span.End <= w.collect.end)
}
