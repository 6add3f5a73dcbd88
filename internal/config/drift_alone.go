package config

import "fmt"

// DriftAlone is a drift part with its defaults and what set changes of them, for
// commands that have no file: only paths below drift. make sense.
func DriftAlone(set []string) *File {
	f := read("--set", []byte("model: {path: none}\ndrift: {reference: none}\n"), Options{Purpose: ForModel, Set: set})
	f.Path = ""
	return f
}

// ParseWindow reads a window as drift.windows has them.
func ParseWindow(text string) (Window, error) {
	w, err := readWindow(text)
	switch {
	case err != nil:
		return w, fmt.Errorf("%q is no window; it is a length such as 1h, or 1d, 1w or 1mo by the calendar", text)
	case w.Length%12 != 0 || w.Length/12%1e6 != 0:
		return w, fmt.Errorf("the window %s hops by a twelfth, which must be whole milliseconds", w)
	}
	return w, nil
}
