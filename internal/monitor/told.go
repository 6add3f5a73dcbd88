package monitor

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock/penstock/drift"
)

// told is what an identity leaves to those that come after it, in its state: how
// far it has told windows, which they need not tell once more, and the alarm that
// is on, which they end when nobody else is going to.
type told struct {
	Model      string            `json:"model"`
	Version    string            `json:"version"`
	Generation string            `json:"generation"`
	From       int64             `json:"from"`  // windows that end by then it left to others, Unix milliseconds
	Until      int64             `json:"until"` // windows that end by then have been told
	Alarm      *drift.AlarmEvent `json:"alarm,omitempty"`
}

// toldKey is that of told among the records of the state.
const toldKey = "told"

// outOfUse is the age of the youngest record of an identity that nobody counts for
// any more: who does says so every half a minute at least.
const outOfUse = 5 * time.Minute

// told is that of the core at the moment.
func (c *Core) told() []byte {
	id := c.o.Identity
	state, err := json.Marshal(told{id.Model, id.Version, id.Generation, c.from, c.windows.Told(), c.alarming})
	if err != nil {
		panic(err) // never: it has numbers and text
	}
	return state
}

// restoreTold goes on where told was taken. An alarm that is not on there any more
// has been ended by others.
func (c *Core) restoreTold(state []byte) error {
	var t told
	if err := json.Unmarshal(state, &t); err != nil {
		return fmt.Errorf("read what was told: %w", err)
	}
	c.toldBefore, c.alarming = state, t.Alarm
	if t.Alarm == nil {
		c.judge.Forget()
	}
	c.skipUntil(t.From)
	return nil
}

func (c *Core) skipUntil(end int64) {
	c.from = end
	c.windows.SkipUntil(end)
}

// Succeed has windows left out that others have told: those of the same counts, by
// other windows, or before there was a reference. It is for a core that begins, or
// comes back after others have taken its place.
func (c *Core) Succeed(others map[string]*abandoned) {
	id := c.o.Identity
	for _, a := range others {
		if t := &a.told; t.Model == id.Model && t.Version == id.Version && (t.Generation == id.Generation || t.Generation == c.o.Collected) {
			c.skipUntil(max(c.from, t.Until))
		}
	}
}
