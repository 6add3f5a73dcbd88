package cardevents

import "math/rand/v2"

// fault is one way in which an event goes bad. The zero value is none.
type fault struct {
	omits  string // a field that is not there, though the model needs it
	quotes string // a number that comes as text
	// spoil damages the bytes of an event.
	spoil func(event []byte, r *rand.Rand) []byte
}

// faults are equally frequent among bad events.
var faults = [...]fault{
	{spoil: truncate},
	{spoil: replace},
	{quotes: "amount"},
	{omits: "merchant_risk"},
}

// truncate ends an event early, as a crashed producer does.
func truncate(event []byte, r *rand.Rand) []byte {
	return event[:1+r.IntN(len(event)-1)]
}

// replace gives what a proxy says in place of the event that it lost. It goes
// behind the event, whose key is in use.
func replace(event []byte, _ *rand.Rand) []byte {
	start := len(event)
	return append(event, "upstream connect error or disconnect/reset before headers"...)[start:]
}
