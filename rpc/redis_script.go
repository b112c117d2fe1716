package rpc

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// script runs a Lua script by its hash; a server that does not have it gets it.
func (r *redisService) script(ctx context.Context, c *Call) ([]byte, error) {
	script, err := body(r.bodies, Redis, c, func() (*redis.Script, error) { return redis.NewScript(c.Body), nil })
	if err != nil {
		return nil, err
	}
	p := payload{}
	if err := read(c.Payload, &p, `{"keys", "args"}`); err != nil {
		return nil, err
	}
	if p.Params != nil {
		return nil, errorf(BadRequest, "a Lua script takes keys and args, not params")
	}
	if p.Keys == nil && c.Keys > 0 {
		if len(p.Args) < c.Keys {
			return nil, errorf(BadRequest, "the method takes %d keys, as the first of args, and the call has %d args", c.Keys, len(p.Args))
		}
		p.Keys, p.Args = p.Args[:c.Keys], p.Args[c.Keys:]
	}
	keys, err := words("keys", p.Keys)
	if err != nil {
		return nil, err
	}
	args, err := words("args", p.Args)
	if err != nil {
		return nil, err
	}
	reply, err := r.run(ctx, script, keys, args)
	return r.answer(ctx, reply, err)
}

func (r *redisService) run(ctx context.Context, script *redis.Script, keys, args []string) (any, error) {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a
	}
	reply, err := script.Run(ctx, r.client, keys, values...).Result()
	if err != nil && over(ctx) && !isReply(err) {
		r.kill()
	}
	return reply, err
}

const (
	// killWithin is for how long it is tried to end a script. A Redis that runs one hears nothing until its
	// busy-reply-threshold has passed, 5 s unless it is configured otherwise.
	killWithin = 30 * time.Second
	killAgain  = 100 * time.Millisecond
)

// kill ends the script that the server is running, behind the call whose time is over. One that has written something
// cannot be ended; the log says so.
func (r *redisService) kill() {
	if !r.killing.CompareAndSwap(false, true) {
		return
	}
	r.killers.Go(func() {
		defer r.killing.Store(false)
		o := *r.client.Options()
		o.PoolSize, o.ReadTimeout = 1, killWithin
		client := redis.NewClient(&o)
		defer client.Close()
		ctx, cancel := context.WithTimeout(r.open, killWithin)
		defer cancel()
		for ctx.Err() == nil {
			switch err := client.ScriptKill(ctx).Err(); {
			case err == nil:
				r.log.Warn("a Lua script was ended because its time was over")
				return
			case strings.HasPrefix(err.Error(), "NOTBUSY"):
				return
			case strings.HasPrefix(err.Error(), "UNKILLABLE"):
				r.log.Error("a Lua script has run past its time and cannot be ended, because it has written something; Redis serves nobody until it ends")
				return
			case isReply(err) || errors.Is(err, redis.ErrClosed):
				r.log.Warn("a Lua script that runs past its time could not be ended", "error", err)
				return
			}
			pause(ctx, killAgain)
		}
	})
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
