package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"gaff/hooks"
)

// maxNoted is the greatest body, in bytes, that the record of a run has of an answer that was read piece by piece.
const maxNoted = 4 << 10

// stream is the body of an answer while it comes in: up to smallBody bytes are read ahead of the script. So an answer that
// is small leaves its connection and its place to others although the script never reads it.
type stream struct {
	client *Client
	caller *hooks.Caller
	shown  string
	answer *answer
	length int64         // of the whole body; -1: nobody knows
	filled chan struct{} // has one in it when there may be something to take
	taken  chan struct{} // has one in it when there may be room again

	mu     sync.Mutex
	buffer []byte
	size   int64  // of what came in
	err    error  // why nothing more comes: io.EOF at the end
	noted  []byte // what was taken, while no more than maxNoted came in
}

// open sends a message and returns the answer without its body, which comes in until ctx ends and is taken with
// [hooks.Caller.More]. leave is called once it is there.
func (c *Client) open(ctx context.Context, caller *hooks.Caller, m *message, leave func()) (json.RawMessage, error) {
	started := time.Now()
	target, response, err := c.exchange(ctx, caller, m) //nolint:bodyclose // receive closes it
	if err := m.report(caller, target, started, response, err); err != nil {
		leave()
		return nil, err
	}
	a := headOf(response)
	if response.Body == http.NoBody {
		leave()
		return a.with("").json()
	}
	s := &stream{
		client: c, caller: caller, shown: target.shown(), answer: a, length: response.ContentLength,
		filled: make(chan struct{}, 1), taken: make(chan struct{}, 1),
	}
	go s.receive(ctx, response.Body, leave)
	a.Stream = caller.Keep(s.more)
	return a.json()
}

// receive reads body to its end and closes it.
func (s *stream) receive(ctx context.Context, body io.ReadCloser, leave func()) {
	defer leave()
	defer body.Close()
	piece := make([]byte, 8<<10)
	for {
		n, err := body.Read(piece)
		full, ended := s.put(piece[:n], err)
		for full {
			select {
			case <-s.taken:
				full, ended = s.put(nil, nil)
			case <-ctx.Done():
				full, ended = s.put(nil, context.Cause(ctx))
			}
		}
		if ended {
			return
		}
	}
}

// put adds what came in, and reports whether the rest has to wait, and whether there is none.
func (s *stream) put(piece []byte, err error) (full, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffer = append(s.buffer, piece...)
	if s.size += int64(len(piece)); s.size > s.client.config.MaxSize {
		err = tooLarge(s.client.config.MaxSize)
	}
	if s.err == nil {
		s.err = err
	}
	signal(s.filled)
	ended = s.err != nil
	return len(s.buffer) >= smallBody && !ended, ended
}

// take waits for what comes next, until ctx ends. At the end the error is io.EOF.
func (s *stream) take(ctx context.Context) ([]byte, error) {
	for {
		if piece, err := s.next(); len(piece) > 0 || err != nil {
			return piece, err
		}
		select {
		case <-s.filled:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// next is what there is to take.
func (s *stream) next() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buffer) == 0 {
		if s.err != nil {
			signal(s.filled) // for whoever else waits
		}
		return nil, s.err
	}
	piece := s.buffer
	s.buffer = nil
	if s.size <= maxNoted {
		s.noted = append(s.noted, piece...)
	}
	signal(s.taken)
	return piece, nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// more gives the script what comes next as base64, and null at the end; with the argument true the whole rest, as the
// body of an answer.
func (s *stream) more(ctx context.Context, args []json.RawMessage) (data, result json.RawMessage, err error) {
	if len(args) > 0 && string(args[0]) == "true" {
		data, err = s.rest(ctx)
		return data, data, s.failed(err)
	}
	piece, err := s.take(ctx)
	if errors.Is(err, io.EOF) {
		return json.RawMessage("null"), s.whole(), nil
	}
	if err != nil {
		return nil, nil, s.failed(err)
	}
	data, err = json.Marshal(piece)
	return data, nil, err
}

// rest is the answer with what is still to come of its body.
func (s *stream) rest(ctx context.Context) (json.RawMessage, error) {
	body, give, err := s.client.read(ctx, s.caller.Event.App, &reader{ctx: ctx, stream: s}, s.length)
	defer give()
	if err != nil {
		return nil, err
	}
	return s.answer.with(body).json()
}

// whole is the answer for the record, with its body if that is short; nil if it is not.
func (s *stream) whole() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size > maxNoted {
		return nil
	}
	data, err := s.answer.with(string(s.noted)).json()
	if err != nil {
		return nil
	}
	return data
}

// failed is err as scripts see it, with a line in the run's log.
func (s *stream) failed(err error) error {
	if err == nil {
		return nil
	}
	failed := explained(s.shown, err)
	s.caller.Log("warn", "%s: the answer broke off: %s", s.shown, failed.Code)
	return failed
}

// reader reads a stream until ctx ends.
type reader struct {
	ctx    context.Context
	stream *stream
	piece  []byte
}

func (r *reader) Read(p []byte) (int, error) {
	if len(r.piece) == 0 {
		var err error
		if r.piece, err = r.stream.take(r.ctx); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.piece)
	r.piece = r.piece[n:]
	return n, nil
}
