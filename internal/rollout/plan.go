// Package rollout decides which version of a model scores an event. It is pure:
// no clock, no I/O, no goroutine.
//
// So far there is only a champion. Canaries, which take a share of the keys by
// a salted hash, and shadows, which score without being published, come to this
// seam: a worker routes every event through it today.
package rollout

import "github.com/penstock/penstock"

// Variant is the part that one model version has in a plan.
type Variant struct {
	Name  string // as predictions and metrics show it: champion
	Model penstock.ModelIdentity
}

// Plan says who scores. It is immutable, so any number of workers may share
// one; a change of mind is a new Plan with the next Version.
type Plan struct {
	version  int
	champion Variant
}

// New returns the first plan of a pipeline: champion answers for every event.
func New(champion penstock.ModelIdentity) *Plan {
	return &Plan{version: 1, champion: Variant{Name: "champion", Model: champion}}
}

// Version counts the plans of a pipeline from 1. It is stamped on every
// prediction, so that one can tell later under which plan it was made.
func (p *Plan) Version() int { return p.version }

// Champion is the variant that answers where no other was chosen.
func (p *Plan) Champion() Variant { return p.champion }

// Route returns the variant whose prediction is published for an event. The
// same key always has the same variant under one plan; nil stands for an event
// without a key. With a champion alone, the key decides nothing.
func (p *Plan) Route(_ []byte) Variant { return p.champion }
