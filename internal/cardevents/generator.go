// Package cardevents makes an endless stream of card transactions up: the
// events of the bundled fraud model, with the distributions that it was trained
// on, a shift that can be switched on, and now and then a bad event. It reads
// no clock and does no I/O.
package cardevents

import (
	"math/rand/v2"
	"time"
)

// Options of a Generator.
type Options struct {
	// Seed decides the stream: the same seed and the same times give the same
	// bytes.
	Seed uint64
	// Bad is the share of events that cannot be scored, 0 to 1; 0 is none.
	Bad float64
}

// Generator writes one event after the other. It belongs to one goroutine.
type Generator struct {
	source  source
	fields  []field // of the next event: usual or shifted
	usual   []field
	shifted []field
	bad     float64

	keyStart, keyEnd int // where the card is in the event at hand
}

// source is what an event's values are drawn from.
type source struct {
	*rand.Rand
	at time.Time // when the event at hand happened
}

// stream tells this package's random numbers from those of others with the
// same seed.
const stream = 0x63617264

// New returns a generator at the beginning of the stream that the seed decides.
func New(o Options) *Generator {
	g := &Generator{
		source: source{Rand: rand.New(rand.NewPCG(o.Seed, stream))},
		usual:  usualFields(), shifted: shiftedFields(),
		bad: o.Bad,
	}
	g.fields = g.usual
	return g
}

// Shift switches the shift on or off, from the next event on: fraudsters try
// stolen cards out, at night, from abroad, for larger amounts.
func (g *Generator) Shift(on bool) {
	g.fields = g.usual
	if on {
		g.fields = g.shifted
	}
}

// Next makes the next event, which happened at the given time. The key is the
// card. Key and value are written over dst and live there when it has room for
// them, some 600 bytes; otherwise, and with nil, they have memory of their own.
func (g *Generator) Next(dst []byte, at time.Time) (key, value []byte) {
	g.source.at = at
	var bad fault
	if g.bad > 0 && g.source.Float64() < g.bad {
		bad = faults[g.source.IntN(len(faults))]
	}
	value = g.appendEvent(dst[:0], bad)
	key = value[g.keyStart:g.keyEnd:g.keyEnd]
	if bad.spoil != nil {
		value = bad.spoil(value, g.source.Rand)
	}
	return key, value
}

// appendEvent writes the fields as one JSON object, nested as their paths say.
func (g *Generator) appendEvent(dst []byte, bad fault) []byte {
	open := "" // the object that is being written
	for i := range g.fields {
		f := &g.fields[i]
		if f.absent > 0 && g.source.Float64() < f.absent || bad.omits == f.name {
			continue
		}
		switch {
		case i == 0:
			dst = append(dst, '{')
		case f.object == open:
			dst = append(dst, ',')
		default:
			if open != "" {
				dst = append(dst, '}')
			}
			dst = append(dst, ',', '"')
			dst = append(append(dst, f.object...), '"', ':', '{')
			open = f.object
		}
		dst = append(dst, '"')
		dst = append(append(dst, f.name...), '"', ':')
		dst = g.appendValue(dst, f, bad)
	}
	if open != "" {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func (g *Generator) appendValue(dst []byte, f *field, bad fault) []byte {
	if f.null > 0 && g.source.Float64() < f.null {
		return append(dst, "null"...)
	}
	if bad.quotes == f.name {
		return append(f.value(append(dst, '"'), &g.source), '"')
	}
	start := len(dst)
	dst = f.value(dst, &g.source)
	if f.name == keyField {
		g.keyStart, g.keyEnd = start+1, len(dst)-1 // without the quotes
	}
	return dst
}
