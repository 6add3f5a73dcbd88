package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // a container without tzdata must know drift.zone too
)

func (v *validator) drift() {
	d := v.file.Pipeline.Drift
	if d == nil {
		return
	}
	if d.Reference.First%d.Pane != 0 {
		v.errorf("drift.reference.first", "first (%s) must be whole panes (%s)", durationText(d.Reference.First), durationText(d.Pane))
	}
	if d.Reference.First > longestWindow {
		v.errorf("drift.reference.first", "first (%s) is more than a year (%s)", durationText(d.Reference.First), durationText(longestWindow))
	}
	v.windows(d)
	if zone, err := time.LoadLocation(d.Zone); err != nil || d.Zone == "Local" {
		v.errorf("drift.zone", "zone must be UTC or a name such as Europe/Berlin, not %s", quoted(d.Zone))
	} else if slices.ContainsFunc(d.Windows, func(w Window) bool { return w.Calendar != "" }) {
		v.dayBegins(d, zone)
	}
	if d.Webhook.URL == "" && d.Webhook.Secret != "" {
		v.incomplete("drift.webhook", "webhook has a secret and no url")
	}
	if d.Webhook.URL != "" {
		u, err := url.Parse(d.Webhook.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			v.errorf("drift.webhook.url", "url must begin with http:// or https:// and name a host")
		}
	}
}

// longestWindow is a year: what is longer nobody sees close.
const longestWindow = 366 * 24 * time.Hour

// mostSums is how many sums of a window, one for each of its hops, may be kept for
// events that are late. So many take hundreds of MB with 20 fields.
const mostSums = 10_000

// windows checks that every window and its hop, a twelfth, are whole panes:
// windows are sums of panes.
func (v *validator) windows(d *Drift) {
	if len(d.Windows) == 0 {
		v.errorf("drift.windows", "windows is empty; name at least one, such as 1h")
	}
	seen := map[Window]bool{}
	for i, w := range d.Windows {
		path := "drift.windows." + strconv.Itoa(i)
		pane := durationText(d.Pane)
		switch {
		case seen[w]:
			v.errorf(path, "windows names %s twice", w)
		case w.Calendar != "" && 24*time.Hour%d.Pane != 0:
			v.errorf(path, "a calendar window (%s) needs a pane that divides a day, which %s does not", w, pane)
		case w.Calendar == "" && (w.Length/12)%d.Pane != 0, w.Calendar == "" && w.Length%12 != 0:
			v.errorf(path, "the window %s hops by a twelfth, %s, which must be whole panes (%s)", w, durationText(w.Length/12), pane)
		case w.Length > longestWindow:
			v.errorf(path, "the window %s is longer than a year (%s)", w, durationText(longestWindow))
		case w.Length > 0 && d.Lateness/(w.Length/12) > mostSums:
			v.errorf("drift.lateness", "lateness (%s) keeps more than %d sums of the window %s, one every %s; shorten it, or take longer windows", durationText(d.Lateness), mostSums, w, durationText(w.Length/12))
		}
		seen[w] = true
	}
}

// dayBegins warns where the zone's days begin within a pane: all of it counts to
// the day before.
func (v *validator) dayBegins(d *Drift, zone *time.Location) {
	if 24*time.Hour%d.Pane != 0 {
		return // which is an error
	}
	pane, odd := d.Pane, time.Duration(0)
	for _, offset := range offsets(zone) {
		if offset%d.Pane != 0 {
			pane, odd = divisor(pane, offset), offset
		}
	}
	if odd != 0 {
		v.report("drift.pane", problem{
			message: fmt.Sprintf("panes of %s do not divide the offset of %s from UTC (%s), so that its days begin within one, which counts to the day before",
				durationText(d.Pane), d.Zone, durationText(odd)),
			hint: "take " + durationText(pane), warning: true,
		})
	}
}

// offsets are those that a zone has from UTC, in the years that streams are of.
func offsets(zone *time.Location) []time.Duration {
	var all []time.Duration
	for at := time.Date(2020, 1, 1, 0, 0, 0, 0, zone); !at.IsZero() && at.Year() < 2040; _, at = at.ZoneBounds() {
		_, seconds := at.Zone()
		all = append(all, time.Duration(seconds)*time.Second)
	}
	return all
}

// divisor is the greatest common one.
func divisor(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return a.Abs()
}
