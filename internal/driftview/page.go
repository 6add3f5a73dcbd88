package driftview

import (
	_ "embed"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/penstock/penstock/drift"
)

// The page's parts are embedded; a browser fetches nothing.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS template.CSS
	//go:embed page.js
	pageJS template.JS
)

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": number, "percent": percent, "thousands": thousands,
}).Parse(pageHTML))

// page is what the template is given.
type page struct {
	Title     string
	CSS       template.CSS
	JS        template.JS
	Reference string   // digest, shortened
	Rows      int64    // of the reference
	Period    string   // of the reference
	Notes     []string // why there may be no alarm where there is drift
	Zone      string   // of all times; empty without any
	Windows   []pageWindow
	Alarms    int
	Worst     int // the window that is shown first; -1 without any
	Features  []pageFeature
	Detectors string // empty where nobody asked for changes
	Changes   []pageChange
	Data      pageData
}

// pageFeature is a feature's row as it first is, for the window that is shown first.
type pageFeature struct {
	*drift.FeatureReport
	Number int
}

// pageChange is a change in words.
type pageChange struct{ At, Feature, What, Detector string }

// pageData is what the page's script draws from. Names are short, for there are
// many windows.
type pageData struct {
	Effect   float64      `json:"effect"`
	Windows  []pageWindow `json:"windows"`
	Features []pageSeries `json:"features"`
}

type pageWindow struct {
	Name         string   `json:"name"`
	Span         string   `json:"span"`
	Rows         int64    `json:"rows"`
	Alarm        bool     `json:"alarm"`
	Severity     string   `json:"severity,omitempty"`
	Contributors []string `json:"contributors,omitempty"`
}

// pageSeries is one feature over all windows.
type pageSeries struct {
	Name   string   `json:"name"`
	Role   string   `json:"role"`
	Kind   string   `json:"kind"`
	Low    string   `json:"low,omitempty"` // bounds of the inner bars
	High   string   `json:"high,omitempty"`
	Labels []string `json:"labels,omitempty"`

	Reference []rounded       `json:"reference"`
	Now       [][]rounded     `json:"now"` // by window; null where it is not kept
	Reports   []pageStatistic `json:"reports"`
}

// pageStatistic is one feature in one window.
type pageStatistic struct {
	JS         *rounded           `json:"js,omitempty"`
	Lower      *rounded           `json:"lower,omitempty"`
	PSI        *rounded           `json:"psi,omitempty"`
	KS         *rounded           `json:"ks,omitempty"`
	W1         *rounded           `json:"w1,omitempty"`
	Hellinger  *rounded           `json:"hellinger,omitempty"`
	Linf       *rounded           `json:"linf,omitempty"`
	Q          *rounded           `json:"q,omitempty"`
	Rows       int64              `json:"rows"`
	Missing    rounded            `json:"missing"`
	NonFinite  rounded            `json:"nonFinite,omitempty"`
	TypeErrors int64              `json:"typeErrors,omitempty"`
	Distinct   *int64             `json:"distinct,omitempty"`
	Status     drift.Status       `json:"status"`
	Alarm      bool               `json:"alarm,omitempty"`
	Compat     map[string]float64 `json:"compat,omitempty"`
}

// rounded is a number of which four digits are enough.
type rounded float64

// MarshalJSON writes the digits that are enough.
func (r rounded) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(r), 'g', 4, 64), nil
}

func roundedPointer(v *float64) *rounded {
	if v == nil {
		return nil
	}
	return new(rounded(*v))
}

// WriteHTML writes the page. It is whole by itself: no other file, no network.
func (v *View) WriteHTML(w io.Writer) error {
	p := page{
		Title: v.Title, CSS: pageCSS, JS: pageJS, Alarms: v.alarms(), Worst: -1,
		Reference: short(v.reference.Digest()), Rows: v.reference.Rows, Notes: v.notes(),
		Period: v.period(v.reference.From, v.reference.To),
	}
	worst := v.worst()
	for i, w := range v.windows {
		r := w.report
		p.Windows = append(p.Windows, pageWindow{
			Name: r.Window, Span: v.span(r), Rows: r.Rows, Alarm: r.Alarm, Severity: r.Severity, Contributors: r.Contributors,
		})
		p.Zone = v.timesIn(r)
		if w == worst {
			p.Worst = i
		}
	}
	if worst != nil {
		for _, i := range v.byEffect(worst) {
			p.Features = append(p.Features, pageFeature{&worst.report.Features[i], i})
		}
	}
	p.Detectors = strings.Join(v.Detectors, ", ")
	for _, c := range v.changes() {
		p.Changes = append(p.Changes, pageChange{v.minute(c.Until), v.features[c.feature].name, what(c.What, c.Category), c.Detector})
	}
	p.Data = pageData{Effect: v.effect, Windows: p.Windows}
	for i := range v.features {
		p.Data.Features = append(p.Data.Features, v.pageSeries(i))
	}
	return pageTemplate.Execute(w, &p)
}

func (v *View) pageSeries(feature int) pageSeries {
	f := v.features[feature]
	s := pageSeries{Name: f.name, Role: f.role.String(), Kind: f.kind.String(), Reference: shares(f.reference)}
	if h := f.histogram; h != nil {
		s.Labels = h.labels
		if h.labels == nil {
			s.Low, s.High = bound(h.low), bound(h.high)
		}
	}
	for _, w := range v.windows {
		var now []rounded
		if w.shares != nil {
			now = shares(w.shares[feature])
		}
		s.Now = append(s.Now, now)
		r := &w.report.Features[feature]
		s.Reports = append(s.Reports, pageStatistic{
			JS: roundedPointer(r.JS), Lower: roundedPointer(r.JSLower), PSI: roundedPointer(r.PSICorrected),
			KS: roundedPointer(r.KSLower), W1: roundedPointer(r.W1), Hellinger: roundedPointer(r.Hellinger),
			Linf: roundedPointer(r.Linf), Q: roundedPointer(r.Q), Rows: r.Rows, Missing: rounded(r.Missing),
			NonFinite: rounded(r.NonFinite), TypeErrors: r.TypeErrors, Distinct: r.Distinct, Status: r.Status,
			Alarm: r.Alarm, Compat: r.Compat,
		})
	}
	return s
}

func shares(values []float64) []rounded {
	var all []rounded
	for _, v := range values {
		all = append(all, rounded(math.Round(v*1e4)/1e4))
	}
	return all
}

func bound(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
