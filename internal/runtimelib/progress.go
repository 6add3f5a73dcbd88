package runtimelib

import (
	"fmt"
	"io"
)

// progress tells a person what an install does, one line a step, so that it
// reads the same on a terminal and in a log.
type progress struct{ out io.Writer }

// say writes one line. That it cannot be written is no reason to stop.
func (p progress) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, format+"\n", args...)
}

// counter reports a download's progress at every tenth of its size.
type counter struct {
	progress
	done, total int64
	told        int64 // tenths
}

func (c *counter) Write(b []byte) (int, error) {
	c.done += int64(len(b))
	if tenths := c.done * 10 / max(c.total, 1); tenths > c.told {
		c.told = tenths
		c.say("  %3d %%  %s of %s", tenths*10, megabytes(c.done), megabytes(c.total))
	}
	return len(b), nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
