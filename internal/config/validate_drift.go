package config

import (
	"net/url"
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
	v.windows(d)
	if _, err := time.LoadLocation(d.Zone); err != nil || d.Zone == "Local" {
		v.errorf("drift.zone", "zone must be UTC or a name such as Europe/Berlin, not %s", quoted(d.Zone))
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
		}
		seen[w] = true
	}
}
