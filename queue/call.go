package queue

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"gaff/hooks"
)

// calls are the calls of a gate that wait for their answers, on one subscription. They are numbered, and no number is
// used twice, so that a late answer finds nobody.
type calls struct {
	conn   *Conn
	sub    *nats.Subscription
	prefix string

	mu      sync.Mutex
	last    uint64
	waiting map[string]chan *nats.Msg
}

func newCalls(conn *Conn) (*calls, error) {
	c := &calls{conn: conn, prefix: inboxPrefix + nuid.Next() + ".", waiting: map[string]chan *nats.Msg{}}
	sub, err := conn.nc.Subscribe(c.prefix+"*", c.receive)
	if err != nil {
		return nil, err
	}
	c.sub = sub
	return c, sub.SetPendingLimits(-1, -1) // an answer that has arrived is not dropped
}

func (c *calls) close() {
	c.sub.Unsubscribe() //nolint:errcheck // the connection is closing, and the subscription with it
}

// maxNews is how much a call may not yet have looked at: signs of life, of which any tells as much as all.
const maxNews = 8

func (c *calls) receive(m *nats.Msg) {
	c.mu.Lock()
	waiting := c.waiting[m.Subject]
	c.mu.Unlock()
	select {
	case waiting <- m: // never, if nobody waits
	default:
	}
}

func (c *calls) add() (reply string, news chan *nats.Msg) {
	news = make(chan *nats.Msg, maxNews)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	reply = c.prefix + strconv.FormatUint(c.last, 36)
	c.waiting[reply] = news
	return reply, news
}

func (c *calls) forget(reply string) {
	c.mu.Lock()
	delete(c.waiting, reply)
	c.mu.Unlock()
}

// Call has a worker carry out a method call. It waits until ctx's deadline, or as long as a method may take. The error is
// a [hooks.Error]: UNAVAILABLE means that nobody got the call, HOOK_CRASHED that the worker which had it is gone, and
// HOOK_TIMEOUT that it was still busy. A call that somebody got is never made again: it may have been carried out.
func (g *Gate) Call(ctx context.Context, call hooks.MethodCall) (hooks.Reply, error) {
	for _, n := range []struct{ kind, name string }{{"app", call.App}, {"service", call.Service}, {"method", call.Method}} {
		if err := hooks.CheckName(n.kind, n.name); err != nil {
			return hooks.Reply{}, err
		}
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hooks.MaxTimeout+grace)
		defer cancel()
	}
	payload := hooks.Payload{
		ID: call.RequestID, Message: call.Payload, Headers: call.Headers, Session: call.Session, Origin: call.Origin, Depth: call.Depth,
	}
	data := payload.AppendJSON(nil)
	if limit := g.conn.nc.MaxPayload(); int64(len(data)) > limit {
		return hooks.Reply{}, hooks.Errorf(hooks.CodeTooLarge, "the call has %d bytes, NATS takes %d", len(data), limit)
	}
	header := nats.Header{}
	setTrace(header, hooks.ParseTrace(call.Trace))
	if t := g.tables.Of(call.App); t != nil {
		header.Set(releaseHeader, strconv.FormatUint(t.Release.Number, 10))
	}
	answer, err := g.calls.ask(ctx, g.conn.subjects.call(&call), data, header)
	if err != nil {
		return hooks.Reply{}, err
	}
	return parseReply(answer)
}

// ask sends a call until somebody has it, and waits for the answer. It adds to header how much time is left.
func (c *calls) ask(ctx context.Context, subject string, data []byte, header nats.Header) ([]byte, error) {
	reply, news := c.add()
	defer c.forget(reply)
	began, backoff := time.Now(), firstBackoff
	for {
		m := &nats.Msg{Subject: subject, Reply: reply, Data: data, Header: header}
		if deadline, ok := ctx.Deadline(); ok {
			left := time.Until(deadline)
			left -= min(left/10, maxMargin) // for the answer's way back
			m.Header.Set(deadlineHeader, strconv.FormatInt(max(left.Milliseconds(), 1), 10))
		}
		if !c.conn.nc.IsConnected() {
			return nil, hooks.Errorf(hooks.CodeUnavailable, "the workers cannot be reached")
		}
		if err := c.conn.nc.PublishMsg(m); err != nil {
			return nil, hooks.Errorf(hooks.CodeUnavailable, "the workers cannot be reached").Because(err)
		}
		answer, err := heard(ctx, news)
		if answer != nil || err != nil {
			return answer, err
		}
		if time.Since(began) >= patience || !pause(ctx, backoff) {
			return nil, hooks.Errorf(hooks.CodeUnavailable, "no worker is there to carry out the call")
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// heard returns the answer, or neither it nor an error if nobody was there to get the call.
func heard(ctx context.Context, news <-chan *nats.Msg) ([]byte, error) {
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for {
		select {
		case m := <-news:
			switch {
			case len(m.Data) == 0 && m.Header.Get("Status") == "503":
				return nil, nil
			case string(m.Data) != stillWorking:
				return m.Data, nil
			}
			quiet.Reset(silence)
		case <-quiet.C:
			return nil, unknown(hooks.Errorf(hooks.CodeHookCrashed, "the worker that had the call is gone; it is not known whether it was carried out"))
		case <-ctx.Done():
			return nil, unknown(hooks.Errorf(hooks.CodeHookTimeout, "the call did not end in time").Because(ctx.Err()))
		}
	}
}

// unknown says to programs that the call may have been carried out.
func unknown(e *hooks.Error) *hooks.Error {
	e.Details = json.RawMessage(`{"outcome":"unknown"}`)
	return e
}

// call is where a method is called: prefix.call.app.service.method.
func (s subjects) call(c *hooks.MethodCall) string {
	return s.prefix + ".call." + c.App + "." + c.Service + "." + c.Method
}

// calls matches every call of an app; * is any.
func (s subjects) calls(app string) string { return s.prefix + ".call." + app + ".*.*" }

// parseCall reads the subject of a call.
func (s subjects) parseCall(subject string, c *hooks.MethodCall) error {
	parts, err := s.split(subject, ".call.", 3)
	if err != nil {
		return err
	}
	c.App, c.Service, c.Method = parts[0], parts[1], parts[2]
	return nil
}
