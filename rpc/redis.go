package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// redisService is a Redis. It speaks RESP2, in which a reply is the same whether it comes from a command, a transaction
// or Lua.
type redisService struct {
	name    string
	client  *redis.Client
	bodies  *bodies
	log     *slog.Logger
	killing atomic.Bool // a script that runs too long is being ended
	killers sync.WaitGroup
	open    context.Context // ends with the service
	end     context.CancelFunc
}

const (
	dialTimeout  = 3 * time.Second
	redisPool    = 64
	longestWait  = time.Minute // for an answer, beside the call's own deadline
	freeWithin   = 5 * time.Second
	pingsWithin  = 3 * time.Second
	maxArguments = 100_000 // of one command
)

func openRedis(name, url string, b *bodies, log *slog.Logger) (service, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("the URL of this Redis cannot be read: %s", withoutURL(err, url))
	}
	o.Protocol = 2
	o.MaxRetries = -1 // a command that was sent may have been carried out
	o.DialTimeout = dialTimeout
	o.ReadTimeout, o.WriteTimeout = longestWait, longestWait
	o.PoolTimeout = freeWithin
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if o.PoolSize == 0 {
		o.PoolSize = redisPool
	}
	o.Dialer = bounded(redis.NewDialer(o))
	r := &redisService{name: name, client: redis.NewClient(o), bodies: b, log: log}
	r.open, r.end = context.WithCancel(context.Background())
	return r, nil
}

// withoutURL is what an error says, without the URL that it may quote.
func withoutURL(err error, url string) string {
	return strings.ReplaceAll(err.Error(), url, "…")
}

func (r *redisService) close() {
	r.end()
	r.killers.Wait()
	r.client.Close()
}

func (r *redisService) ping(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pingsWithin)
	defer cancel()
	if err := r.client.Ping(ctx).Err(); err != nil {
		return "", err
	}
	info, err := r.client.Info(ctx, "server").Result()
	if err != nil { // it answers, and does not say what it is
		return "Redis", nil //nolint:nilerr // see above
	}
	_, rest, _ := strings.Cut(info, "redis_version:")
	version, _, _ := strings.Cut(rest, "\r\n")
	return "Redis " + version, nil
}

func (r *redisService) do(ctx context.Context, c *Call) ([]byte, error) {
	switch c.Form {
	case Script:
		return r.script(ctx, c)
	case Macro:
		return r.macro(ctx, c)
	}
	return r.builtin(ctx, c)
}

// builtin carries out one of call, pipeline and multi.
func (r *redisService) builtin(ctx context.Context, c *Call) ([]byte, error) {
	if c.Name == "call" {
		p := step{}
		if err := read(c.Payload, &p, `{"command", "args"}, or {"args"} with the command first`); err != nil {
			return nil, err
		}
		one, err := p.command()
		if err != nil {
			return nil, err
		}
		if err := one.allowed(c.Allowed); err != nil {
			return nil, err
		}
		return r.single(ctx, one)
	}
	var p struct {
		Commands []step `json:"commands"`
		Args     []step `json:"args"`
	}
	if err := read(c.Payload, &p, `{"commands": [{"command", "args"}, …]}`); err != nil {
		return nil, err
	}
	if p.Commands == nil {
		p.Commands = p.Args
	}
	list := make([]command, len(p.Commands))
	for i := range p.Commands {
		var err error
		if list[i], err = p.Commands[i].command(); err == nil {
			err = list[i].allowed(c.Allowed)
		}
		if err != nil {
			return nil, inStep(err, i)
		}
	}
	return r.several(ctx, list, c.Name == "pipeline")
}

func (r *redisService) macro(ctx context.Context, c *Call) ([]byte, error) {
	steps, err := body(r.bodies, Redis, c, func() ([]step, error) { return parseMacro(c.Body) })
	if err != nil {
		return nil, err
	}
	p := payload{}
	if err := read(c.Payload, &p, `{"args"}`); err != nil {
		return nil, err
	}
	list := make([]command, len(steps))
	for i := range steps {
		args, err := filled(steps[i].Args, p.arguments())
		if err != nil {
			return nil, inStep(err, i)
		}
		one := step{Command: steps[i].Command, Args: args}
		if list[i], err = one.command(); err != nil {
			return nil, inStep(err, i)
		}
		if err := list[i].allowed(nil); err != nil {
			return nil, inStep(err, i)
		}
	}
	return r.several(ctx, list, c.Pipeline)
}

// maxSteps is how many commands or statements one call may have.
const maxSteps = 1000

func parseMacro(body string) ([]step, error) {
	var steps []step
	if err := json.Unmarshal([]byte(body), &steps); err != nil {
		return nil, errorf(ServiceError, "the method's body cannot be read").because(err)
	}
	return steps, nil
}

// inStep says which step of several an error is about.
func inStep(err error, i int) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Message = fmt.Sprintf("step %d: %s", i+1, e.Message)
		return e.with("step", i+1)
	}
	return err
}
