package queue

import (
	"cmp"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// acceptOurs is accept in a process that leaves some apps to others.
func (s *asks) acceptOurs(m *nats.Msg) {
	if app := s.conn.subjects.appOf(m.Subject); m.Reply != "" && !s.apps.Serves(app) {
		s.pass(app, m)
		return
	}
	s.accept(m)
}

// passItem hands one ask of a bundle on, if its app is another's.
func (s *asks) passItem(subject, reply string, left uint64, payload []byte) bool {
	var e hooks.Event
	if s.conn.subjects.parseAsk(subject, &e) != nil || s.apps.Serves(e.App) { // what is no subject is refused here
		return false
	}
	m := &nats.Msg{Subject: subject, Reply: reply, Data: payload}
	if left > 0 {
		m.Header = nats.Header{deadlineHeader: {strconv.FormatUint(left, 10)}}
	}
	s.pass(e.App, m)
	return true
}

// pass hands an ask on to those who run the scripts of its app.
func (s *asks) pass(app string, m *nats.Msg) {
	received := time.Now()
	s.pending.Add(1)
	s.others.find(app, func(to string) {
		defer s.pending.Done()
		var err error
		if to == "" {
			v := hooks.Stop(noWorker(app))
			err = s.others.refuse(m, v.AppendJSON(nil))
		} else {
			err = s.others.forward(to, reduced(m, time.Since(received)))
		}
		if err != nil {
			s.conn.log.Warn("an ask of another app could not be handed on", "subject", m.Subject, "error", err)
		}
	})
}

// acceptOurs is accept in a process that leaves some apps to others.
func (s *callServer) acceptOurs(m *nats.Msg) {
	app := s.conn.subjects.appOfCall(m.Subject)
	if m.Reply == "" || s.apps.Serves(app) {
		s.accept(m)
		return
	}
	received := time.Now()
	s.pending.Add(1)
	s.others.find(app, func(to string) {
		defer s.pending.Done()
		var err error
		if to == "" {
			var answer []byte
			if answer, err = failedReply("", noWorker(app)); err == nil {
				err = s.others.refuse(m, answer)
			}
		} else {
			err = s.others.forward(to, reduced(m, time.Since(received)))
		}
		if err != nil {
			s.conn.log.Warn("a call of another app could not be handed on", "subject", m.Subject, "error", err)
		}
	})
}

func noWorker(app string) *hooks.Error {
	return hooks.Errorf(hooks.CodeUnavailable, "no worker is there that runs the scripts of app %s", app)
}

// refuse tells who asked that nobody is there: a gate as the server would, so that it looks again, and others by an answer.
func (o *own) refuse(m *nats.Msg, answer []byte) error {
	if strings.HasPrefix(m.Reply, inboxPrefix) {
		return o.conn.nc.PublishMsg(&nats.Msg{Subject: m.Reply, Header: nats.Header{"Status": {"503"}}})
	}
	return o.conn.nc.Publish(m.Reply, answer)
}

// reduced is a message whose deadline is nearer by what has passed, if that is worth a word.
func reduced(m *nats.Msg, passed time.Duration) *nats.Msg {
	text := m.Header.Get(deadlineHeader)
	left, err := strconv.ParseInt(cmp.Or(text, strconv.FormatInt(hooks.DefaultTimeout.Milliseconds(), 10)), 10, 32)
	if err != nil || passed < time.Millisecond || text == "" && passed < usual {
		return m
	}
	header := nats.Header{}
	maps.Copy(header, m.Header)
	header.Set(deadlineHeader, strconv.FormatInt(max(left-passed.Milliseconds(), 1), 10))
	return &nats.Msg{Subject: m.Subject, Reply: m.Reply, Data: m.Data, Header: header}
}
