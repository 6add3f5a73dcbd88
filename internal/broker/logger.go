package broker

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// LogTo has a client write its warnings and errors to log. It never logs
// less urgent lines, whatever log's level is: those are one and more for each
// request, and some quote what they send.
func LogTo(log *slog.Logger) kgo.Opt { return kgo.WithLogger(&logger{log}) }

// logger is a slog.Logger as the client wants it. Brokers come and go, which
// the client mends by itself, so that its errors are warnings of ours.
type logger struct{ log *slog.Logger }

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
	l.log.Warn("kafka: "+message, keysAndValues...)
}
