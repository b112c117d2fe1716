package queue

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// floor is the sequence number up to which all events are worked off.
func (n *lane) floor() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	floor := n.read
	for seq := range n.pending {
		floor = min(floor, seq-1)
	}
	return floor
}

// renew says that the lane is this worker's, and how far it is. If it is another's, it ends here.
func (n *lane) renew(ctx context.Context) {
	began := time.Now()
	switch err := n.write(ctx, n.of.me); {
	case err == nil:
		n.until.Store(began.Add(laneLease - laneMargin).UnixNano())
	case errors.Is(err, jetstream.ErrKeyExists) || isWrongRevision(err), began.UnixNano() > n.until.Load():
		n.of.c.conn.log.Warn("a lane of ordered events is another worker's", "app", n.id.app, "part", n.id.part)
		n.remove()
	}
}

func isWrongRevision(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// write writes the lease.
func (n *lane) write(ctx context.Context, owner string) error {
	n.writing.Lock()
	defer n.writing.Unlock()
	s := leaseSeen{lease: lease{Owner: owner, Floor: n.floor()}, at: time.Now()}
	value, err := json.Marshal(s.lease)
	if err != nil {
		return err
	}
	if s.revision, err = n.of.c.conn.order.Update(ctx, n.id.key(), value, n.revision); err != nil {
		return err
	}
	n.revision = s.revision
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	if n.of.seen[n.id].revision < s.revision {
		n.of.seen[n.id] = s
	}
	return nil
}

// remove stops the lane without waiting.
func (n *lane) remove() {
	n.gone.Store(true)
	n.cancel()
	n.of.mu.Lock()
	defer n.of.mu.Unlock()
	if n.of.owned[n.id] == n {
		delete(n.of.owned, n.id)
	}
}

// leave stops the lane, lets its running hooks end until ctx does, and leaves it to others.
func (n *lane) leave(ctx context.Context) {
	n.gone.Store(true)
	n.cancel()
	defer n.remove()
	tick := time.NewTicker(laneTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n.renew(context.WithoutCancel(ctx))
		case <-n.ended:
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
			defer cancel()
			if err := n.write(last, ""); err != nil {
				n.of.c.conn.log.Warn("a lane could not be handed over", "app", n.id.app, "part", n.id.part, "error", err)
			}
			return
		}
	}
}

// abandon ends a lane that no hook needs any more.
func (n *lane) abandon(ctx context.Context) {
	n.remove()
	n.writing.Lock()
	defer n.writing.Unlock()
	if err := n.of.c.conn.order.Delete(ctx, n.id.key(), jetstream.LastRevision(n.revision)); err != nil {
		n.of.c.conn.log.Warn("a lane that is not needed could not be removed", "app", n.id.app, "part", n.id.part, "error", err)
	}
}
