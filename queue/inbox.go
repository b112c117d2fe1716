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
	waiting map[uint64]*question
}

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
	q.news = news{}
	in.waiting[q.number] = q
	in.mu.Unlock()
	q.reply = in.prefix + strconv.FormatUint(q.number, 36)
}

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
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, in.prefix), 36, 64)
	if err != nil {
		return
	}
	in.mu.Lock()
	q := in.waiting[number]
	if q == nil {
		in.mu.Unlock()
		return
	}
	switch {
	case len(m.Data) == 0 && m.Header.Get("Status") == "503":
		q.news.refused = true
	case string(m.Data) == stillWorking:
		q.news.heard = time.Now()
		in.mu.Unlock()
		return
	default:
		q.news.reply = m.Data
		delete(in.waiting, number)
	}
	in.mu.Unlock()
	q.poke()
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
