package config

import "fmt"

// needsPipeline are the keys of drift: that mean nothing for files without a
// pipeline, and what to do instead.
var needsPipeline = map[string]string{
	"reference": "--reference or --reference-data names what is normal",
	"windows":   "--window names them",
	"features":  "--categorical and --ignore say what is counted, and how",
	"lateness":  "in files nothing is late",
	"idle":      "in files nothing is awaited",
	"webhook":   "files have no alarms to post, but exit code 3",
}

// DriftAlone is a drift part with its defaults and what set changes of them, for
// commands that have no pipeline file.
func DriftAlone(set []string) *File {
	f := &File{}
	f.root = parse([]byte("drift: {reference: none}\n"), &f.problems)
	for _, text := range set {
		steps, _, err := cutSet(text)
		switch {
		case err != nil: // apply says so
		case steps[0].key != "drift" || len(steps) == 1:
			f.problems.errorf(place{set: pathText(steps)}, "without a pipeline file only keys of drift can be set, such as drift.effect=0.2")
			continue
		case needsPipeline[steps[1].key] != "":
			f.problems.errorf(place{set: pathText(steps)}, "this needs a pipeline file; without one, %s", needsPipeline[steps[1].key])
			continue
		}
		apply(f.root, text, &f.problems)
	}
	f.expand(Options{})
	// What the keys would have to be together for a stream, they need not here:
	// files are not cut into panes for windows.
	var doc struct {
		Drift *Drift `key:"drift"`
	}
	newDecoder("", &f.problems).structure(f.root, settable(&doc), nil)
	f.Pipeline.Drift = doc.Drift
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
