package broker

import "time"

// Pace says how long the first record of an epoch waits behind the last commit.
//
// After a commit the broker still writes its markers, for a millisecond or two.
// A produce that comes before they are written meets CONCURRENT_TRANSACTIONS;
// the broker itself then tries again after 20 ms, and no option of the client
// changes that. So a commit every time nothing waits stalls for 20 ms again and
// again, and a short pause gives a third of the latency. How short depends on the
// broker and on the wire: the pause is learned from how long the first produce of
// an epoch takes. A stall lengthens it by a fourth, an epoch without shortens it
// by 1/2048, so that it settles where one epoch in some 450 stalls. It pays to be
// that careful: a stall holds up what arrives in 20 ms, four epochs' worth.
//
// On a busy machine some produces take as long for other reasons, whatever the
// pause. Two things keep those from driving it up: a stall is known by its 20 ms,
// no less and not much more; and the pause is at most three times what a
// produce takes when nothing is in its way, because writing the markers is the
// same work as writing records.
//
// The figures are in docs/decisions/2026-11-21-pace-of-commits.md. The zero value
// is ready. A Pace belongs to one worker.
type Pace struct {
	pause time.Duration // 0: nothing learned yet
	calm  time.Duration // what a first produce takes with nothing in its way; 0: not known
	gap   time.Duration // between the last commit and the produce that Observed is about
}

const (
	firstPause    = 2 * time.Millisecond
	shortestPause = 500 * time.Microsecond
	longestPause  = 20 * time.Millisecond

	// A stalled produce takes calm, the broker's 20 ms and what it waits for the
	// processor; these are the bounds of the last two.
	leastStall = 18 * time.Millisecond
	mostStall  = 28 * time.Millisecond
)

// Wait is how long from now until the next epoch may publish; zero or less: at
// once. lastCommit is when the last commit returned, the zero time before the
// first. The caller waits that long and no longer.
func (p *Pace) Wait(now, lastCommit time.Time) time.Duration {
	if lastCommit.IsZero() {
		p.gap = longestPause
		return 0
	}
	since := now.Sub(lastCommit)
	p.gap = max(since, p.length())
	return p.length() - since
}

// Observed learns from the epoch that Wait was last asked about: firstAck is from
// its first produce to that one's acknowledgement.
func (p *Pace) Observed(firstAck time.Duration) {
	pause, limit := p.length(), p.limit()
	excess := firstAck - p.calm
	slow := p.calm > 0 && excess >= leastStall
	// After the longest pause the markers are written: whatever a produce then
	// waits for, it is not for them.
	stalled := slow && excess < mostStall && p.gap < limit
	if !stalled {
		p.learnCalm(firstAck)
	}
	switch {
	case stalled:
		p.pause = min(pause+pause/4, limit)
	case !slow && p.gap < pause+pause/8:
		// Only an epoch that kept the pause, and not one that came later anyway,
		// shows that the pause is enough.
		p.pause = min(max(pause-pause/2048, shortestPause), limit)
	}
}

// learnCalm follows the least that produces take: down at once, and up by at most
// a 64th, so that a few slow ones do not hide the next stall.
func (p *Pace) learnCalm(firstAck time.Duration) {
	if p.calm == 0 || firstAck < p.calm {
		p.calm = firstAck
		return
	}
	p.calm += min(firstAck-p.calm, p.calm) / 64
}

// limit is the longest that the pause may be.
func (p *Pace) limit() time.Duration {
	if p.calm == 0 {
		return longestPause
	}
	return min(max(3*p.calm, firstPause+firstPause/2), longestPause)
}

// length is the pause as learned so far.
func (p *Pace) length() time.Duration {
	if p.pause == 0 {
		return firstPause
	}
	return p.pause
}
