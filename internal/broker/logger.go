package broker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// LogTo has a client write its warnings and errors to log. It never logs
// less urgent lines, whatever log's level is: those are one and more for each
// request, and some quote what they send. Of lines with the same message it
// writes one a minute: while a broker is away every connection of every worker
// says so, many times a second.
func LogTo(log *slog.Logger) kgo.Opt {
	return kgo.WithLogger(newLogger(log))
}

// sayAgain is how long lines with a message that was written are left out.
const sayAgain = time.Minute

// logger is a slog.Logger as the client wants it. Brokers come and go, which
// the client mends by itself, so that its errors are warnings of ours.
type logger struct {
	log *slog.Logger

	mu   sync.Mutex       // guards what follows
	said map[string]*said // by the message, of which the client has some dozens
}

// said is when a message was written, and how many lines were left out since.
type said struct {
	at      time.Time
	leftOut int
}

func newLogger(log *slog.Logger) *logger { return &logger{log: log, said: map[string]*said{}} }

// Level is asked before each line, from any goroutine.
func (l *logger) Level() kgo.LogLevel {
	if !l.log.Enabled(context.Background(), slog.LevelWarn) {
		return kgo.LogLevelNone
	}
	return kgo.LogLevelWarn
}

// Log writes one line.
func (l *logger) Log(level kgo.LogLevel, message string, keysAndValues ...any) {
	if level == kgo.LogLevelNone || level > kgo.LogLevelWarn {
		return
	}
	leftOut, due := l.due(message, time.Now())
	if !due {
		return
	}
	if leftOut > 0 {
		keysAndValues = append(slices.Clone(keysAndValues), "like_it_left_out", leftOut)
	}
	l.log.Warn("kafka: "+message, keysAndValues...)
}

// due tells whether a message is to be written now, and how many were left out
// before it.
func (l *logger) due(message string, now time.Time) (leftOut int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.said[message]
	if last != nil && now.Sub(last.at) < sayAgain {
		last.leftOut++
		return 0, false
	}
	if last != nil {
		leftOut = last.leftOut
	}
	l.said[message] = &said{at: now}
	return leftOut, true
}
