package onnx

// #include "ort.h"
import "C"

import "time"

// limiter cuts the runs of one Runner that take too long. Its timer is used
// again and again, so that a time limit costs no memory.
//
// A timer that could not be stopped has fired, and its function is about to
// run or running. stop then waits for it, so that the flag which it sets never
// hits the next run. (Comparing times or counting runs instead would leave a
// moment in which a late timer sets the flag behind the next run's back.)
type limiter struct {
	runner *C.ps_runner
	timer  *time.Timer   // nil until the first limit
	fired  chan struct{} // gets one for every time that the timer fires
}

func newLimiter(runner *C.ps_runner) *limiter {
	return &limiter{runner: runner, fired: make(chan struct{}, 1)}
}

// start gives the run that follows this much time.
func (l *limiter) start(limit time.Duration) {
	if l.timer == nil {
		l.timer = time.AfterFunc(limit, l.fire)
		return
	}
	l.timer.Reset(limit)
}

func (l *limiter) fire() {
	C.ps_terminate(l.runner, true)
	l.fired <- struct{}{}
}

// stop ends the time that start gave and tells whether it had run out.
func (l *limiter) stop() bool {
	if l.timer.Stop() {
		return false
	}
	<-l.fired
	C.ps_terminate(l.runner, false)
	return true
}
