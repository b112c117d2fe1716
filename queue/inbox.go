package queue

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// inboxPrefix begins the reply subjects of gates. Workers know by it that who asks understands [stillWorking] and
// [splitRelease].
const inboxPrefix = "_INBOX.gaff-"

// stillWorking is what a worker sends to a gate instead of a verdict while it has an ask in hand.
const stillWorking = "working"

// inbox receives the replies to all asks of a gate on one subscription, and matches them by a number that is never
// used twice, so that a late reply finds nobody instead of somebody else.
type inbox struct {
	nc     *nats.Conn
	sub    *nats.Subscription
	prefix string // of the reply subjects, with the last dot

	down atomic.Bool // the connection is away

	mu      sync.Mutex
	last    uint64
	bundles uint64 // how many there have been
	waiting map[uint64]*question
}

// bundled is the last token of the reply subject for verdicts in bundles; the number of a bundle of asks stands behind it
// in the subject for the server's answer that nobody is there.
const bundled = "-"

// news is what an inbox knows of a question, under the inbox's lock.
type news struct {
	reply    []byte    // the verdict
	heard    time.Time // when the worker last said that it is working
	refused  bool      // nobody was there to be asked
	returned bool      // the connection was lost and is back
}

func newInbox(nc *nats.Conn) (*inbox, error) {
	in := &inbox{nc: nc, prefix: inboxPrefix + nuid.Next() + ".", waiting: map[uint64]*question{}}
	sub, err := nc.Subscribe(in.prefix+"*", in.receive)
	if err != nil {
		return nil, err
	}
	in.sub = sub
	return in, sub.SetPendingLimits(-1, -1) // a verdict that has arrived is not dropped
}

func (in *inbox) close() {
	if err := in.sub.Unsubscribe(); err != nil && in.nc.IsConnected() {
		return // the connection is closing, and the subscription with it
	}
}

// add gives the question a number and its reply subject.
func (in *inbox) add(q *question) {
	in.mu.Lock()
	in.last++
	q.number = in.last
	q.news, q.bundle = news{}, 0
	in.waiting[q.number] = q
	q.crowd = len(in.waiting)
	in.mu.Unlock()
}

// replyTo is the subject for the verdict on a question.
func (in *inbox) replyTo(q *question) string { return in.prefix + strconv.FormatUint(q.number, 36) }

// forget ends the question's wait. Replies that come later find nobody.
func (in *inbox) forget(q *question) {
	if q.answered {
		return
	}
	in.mu.Lock()
	delete(in.waiting, q.number)
	in.mu.Unlock()
}

// look takes what is new about the question.
func (in *inbox) look(q *question) news {
	in.mu.Lock()
	n := q.news
	q.news.refused, q.news.returned = false, false
	in.mu.Unlock()
	return n
}

// receive is the subscription's callback.
func (in *inbox) receive(m *nats.Msg) {
	token := strings.TrimPrefix(m.Subject, in.prefix)
	nobody := len(m.Data) == 0 && m.Header.Get("Status") == "503"
	if id, ok := strings.CutPrefix(token, bundled); ok {
		if nobody {
			in.refuse(id)
		} else {
			in.unbundle(m.Data)
		}
		return
	}
	number, err := strconv.ParseUint(token, 36, 64)
	if err != nil {
		return
	}
	in.mu.Lock()
	var q *question
	if nobody {
		if q = in.waiting[number]; q != nil {
			q.news.refused = true
		}
	} else {
		q = in.tell(number, m.Data)
	}
	in.mu.Unlock()
	if q != nil {
		q.poke()
	}
}

// tell notes what a worker says of a question, under the lock, and returns the question if it is to be woken.
func (in *inbox) tell(number uint64, reply []byte) *question {
	q := in.waiting[number]
	switch {
	case q == nil:
	case string(reply) == stillWorking:
		q.news.heard = time.Now()
		return nil
	default:
		q.news.reply = reply
		delete(in.waiting, number)
	}
	return q
}

// unbundle takes in several verdicts.
func (in *inbox) unbundle(data []byte) {
	var answered [maxBundle]*question
	n := 0
	in.mu.Lock()
	for u := (unbundler{data: data}); u.more() && n < maxBundle; {
		number, reply := u.uint(), u.bytes()
		if q := in.tell(number, reply); q != nil && u.err == nil {
			answered[n] = q
			n++
		}
	}
	in.mu.Unlock()
	for _, q := range answered[:n] {
		q.poke()
	}
}

// refuse notes that nobody was there to be asked the questions of a bundle.
func (in *inbox) refuse(bundle string) {
	number, err := strconv.ParseUint(bundle, 36, 64)
	if err != nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, q := range in.waiting {
		if q.bundle == number {
			q.news.refused = true
			q.poke()
		}
	}
}

// connected notes that the connection is there again, or not, and tells who waits.
func (in *inbox) connected(up bool) {
	in.down.Store(!up)
	if !up {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, q := range in.waiting {
		q.news.returned = true
		q.poke()
	}
}
