package queue

import (
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
)

// Asks that wait at the same moment travel as one message, and so do the verdicts on them: passing a message on costs a
// server more than the script in it takes. Only gates and workers know this form, and they use it only when there is a
// crowd, because it takes one more goroutine on the way.
const (
	// askCrowd is from how many waiting questions on a gate bundles its asks.
	askCrowd = 12
	// askShare is of how many waiting questions one may be in the same bundle: the others are for other workers.
	askShare = 3
	// maxBundle is how many asks one message carries at most: they all go to one worker.
	maxBundle = 32
	// maxBundleBytes is from how many bytes on a bundle is full.
	maxBundleBytes = 32 << 10
	// maxItem is the largest item, in bytes, that travels with others.
	maxItem = 8 << 10
)

// bundle is several items on their way.
type bundle struct {
	subject, reply string
	data           []byte
	items          int
	number         uint64 // of a bundle of asks
}

func (b *bundle) uint(n uint64) { b.data = binary.AppendUvarint(b.data, n) }

func (b *bundle) text(s string) {
	b.uint(uint64(len(s)))
	b.data = append(b.data, s...)
}

func (b *bundle) bytes(s []byte) {
	b.uint(uint64(len(s)))
	b.data = append(b.data, s...)
}

// unbundler reads what a bundle was made of. After a failure everything is zero and it is at its end.
type unbundler struct {
	data []byte
	err  error
}

var errBundle = errors.New("the bundle is broken")

func (u *unbundler) more() bool { return u.err == nil && len(u.data) > 0 }

func (u *unbundler) uint() uint64 {
	n, size := binary.Uvarint(u.data)
	if size <= 0 {
		u.data, u.err = nil, errBundle
		return 0
	}
	u.data = u.data[size:]
	return n
}

func (u *unbundler) bytes() []byte {
	n := u.uint()
	if n > uint64(len(u.data)) {
		u.data, u.err = nil, errBundle
		return nil
	}
	b := u.data[:n:n]
	u.data = u.data[n:]
	return b
}

// bundler sends items in bundles, as many together as come while its goroutine has not got to run. An item that
// cannot be sent is lost, like one that the network loses.
type bundler struct {
	conn *Conn
	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	open   map[string]*bundle // by subject
	ready  []*bundle
	free   []*bundle
	closed bool
}

func newBundler(conn *Conn) *bundler {
	b := &bundler{conn: conn, wake: make(chan struct{}, 1), done: make(chan struct{}), open: map[string]*bundle{}}
	go b.run()
	return b
}

// begin returns the bundle to append an item to; [bundler.end] must follow. It returns nil if the bundler is closed.
func (b *bundler) begin(subject string) *bundle {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	to := b.open[subject]
	if to == nil {
		if n := len(b.free); n > 0 {
			to, b.free = b.free[n-1], b.free[:n-1]
		} else {
			to = &bundle{}
		}
		to.subject, to.reply, to.data, to.items = subject, "", to.data[:0], 0
		b.open[subject] = to
		b.ready = append(b.ready, to)
	}
	return to
}

func (b *bundler) end(to *bundle, most int) {
	to.items++
	if to.items >= most || len(to.data) >= maxBundleBytes {
		delete(b.open, to.subject)
	}
	b.mu.Unlock()
	signal(b.wake)
}

// run sends what is there. It lets those go first that are about to add something.
func (b *bundler) run() {
	defer close(b.done)
	var taken []*bundle
	for range b.wake {
		runtime.Gosched()
		b.mu.Lock()
		taken, b.ready = b.ready, taken[:0]
		clear(b.open)
		closed := b.closed
		b.mu.Unlock()
		for _, t := range taken {
			if err := b.send(t); err != nil {
				b.conn.log.Warn("a bundle could not be sent", "subject", t.subject, "items", t.items, "error", err)
			}
		}
		b.mu.Lock()
		b.free = append(b.free, taken...)
		b.mu.Unlock()
		if closed {
			return
		}
	}
}

func (b *bundler) send(t *bundle) error {
	if t.reply == "" {
		return b.conn.nc.Publish(t.subject, t.data)
	}
	return b.conn.nc.PublishRequest(t.subject, t.reply, t.data)
}

// close sends what is left and ends the bundler.
func (b *bundler) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	signal(b.wake)
	<-b.done
}
