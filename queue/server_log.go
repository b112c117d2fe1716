package queue

import (
	"fmt"
	"log/slog"
)

// serverLog passes on what an operator has to know of an embedded server, and keeps the error that stops its start.
type serverLog struct {
	log   *slog.Logger
	fatal chan string
}

func (l *serverLog) Noticef(string, ...any) {}
func (l *serverLog) Debugf(string, ...any)  {}
func (l *serverLog) Tracef(string, ...any)  {}

func (l *serverLog) Warnf(format string, args ...any) {
	if l.log != nil {
		l.log.Warn("NATS server: " + fmt.Sprintf(format, args...))
	}
}

func (l *serverLog) Errorf(format string, args ...any) {
	if l.log != nil {
		l.log.Error("NATS server: " + fmt.Sprintf(format, args...))
	}
}

// Fatalf does not end the process; StartServer returns the first such error.
func (l *serverLog) Fatalf(format string, args ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, args...):
	default:
		l.Errorf(format, args...)
	}
}
