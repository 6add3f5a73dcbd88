package config

import "time"

// Drift asks for rolling statistics of what the model sees and says.
type Drift struct {
	Reference   Reference     `key:"reference" required:"true" example:"reference.json" doc:"What is normal: a file of penstock drift reference; {first: 24h}, the first that is seen; or model, kept in the model's metadata."`
	Pane        time.Duration `key:"pane" default:"1m" min:"1s" doc:"The smallest stretch of event time that is counted by itself."`
	Windows     []Window      `key:"windows" default:"1h,24h" doc:"Stretches of event time that are tested, in whole panes. 1d, 1w and 1mo are calendar windows."`
	Zone        string        `key:"zone" default:"UTC" doc:"Time zone of calendar windows, such as Europe/Berlin."`
	Lateness    time.Duration `key:"lateness" default:"10m" min:"0s" doc:"How late within its own partition an event still corrects its window."`
	Idle        time.Duration `key:"idle" default:"1m" min:"1s" doc:"A partition read to its end for this long no longer holds the watermark back."`
	Features    Features      `key:"features" doc:"What is watched: all, or a map of features; default all."`
	FalseAlarms Rate          `key:"false_alarms" default:"1/month" doc:"False alarms to put up with, for the whole model together."`
	Effect      float64       `key:"effect" default:"0.1" min:"0" max:"1" doc:"The smallest Jensen-Shannon distance worth an alarm."`
	MinRows     int           `key:"min_rows" default:"500" min:"1" doc:"With fewer rows a window is insufficient, never a number."`
	Webhook     Webhook       `key:"webhook" only:"run" doc:"Where alarms are posted to."`
}

// Webhook is posted to at each alarm.
type Webhook struct {
	URL    string `key:"url" doc:"http or https URL; empty is off."`
	Secret Secret `key:"secret" doc:"Key that signs each post."`
}

// Reference is exactly one of its fields.
type Reference struct {
	File  Path
	First time.Duration // of event time, whole panes
	Model bool          // kept in the model's metadata
}

// firstPart is {first: 24h}.
type firstPart struct {
	First time.Duration `key:"first" required:"true" example:"24h" min:"1s" doc:"How much event time is taken as normal."`
}

func (r *Reference) decode(d *decoder, n *node, path []string) {
	switch {
	case n.kind == mapNode:
		var first firstPart
		d.structure(n, settable(&first), path)
		r.First = first.First
	case n.kind == scalarNode && n.text == "model":
		r.Model = true
	case n.kind == scalarNode && n.typ == textType:
		r.File = d.resolve(n.text)
	default:
		d.wrong(n, path, "reference must be a file, {first: 24h} or model, not %s", n.shown())
	}
}

// Features says what is watched: All, or those named.
type Features struct {
	All   bool
	Named []Feature // in the file's order
}

// Feature is one watched value.
type Feature struct {
	Name string
	Kind string `key:"kind" enum:"numeric,categorical" doc:"Default: by the type of the model's input."`
	Top  int    `key:"top" default:"100" min:"1" max:"10000" doc:"How many categories are counted by name."`
	From string `key:"from" doc:"Path of an event field that the model does not use."`
}

func (f *Features) decode(d *decoder, n *node, path []string) {
	*f = Features{}
	switch {
	case n.kind == scalarNode && n.text == "all":
		f.All = true
	case n.kind == mapNode:
		for _, e := range n.entries {
			feature := Feature{Name: e.key}
			d.structure(e.value, settable(&feature), child(path, e.key))
			f.Named = append(f.Named, feature)
		}
	default:
		d.wrong(n, path, "features must be all or a map such as {amount: {}, merchant: {kind: categorical}}, not %s", n.shown())
	}
}

// setDefault makes all features watched where features: is left out.
func (f *Features) setDefault() { f.All = true }
