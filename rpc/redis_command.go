package rpc

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"gaff/rpc/syntax"
)

// command is one that can be sent.
type command struct {
	name  string // in upper case
	args  []string
	known syntax.Command
	open  bool
}

// command reads the step; the command may also be the first of its arguments.
func (s *step) command() (command, error) {
	name, rest := s.Command, s.Args
	if s.SQL != "" || s.Params != nil {
		return command{}, errorf(BadRequest, "sql and params are for SQL: a command has args")
	}
	if name == "" && len(rest) > 0 {
		name, _ = textOf(rest[0])
		rest = rest[1:]
	}
	if name == "" {
		return command{}, errorf(BadRequest, "a command is missing")
	}
	args, err := words("args", rest)
	if err != nil {
		return command{}, err
	}
	c := command{name: strings.ToUpper(name), args: args}
	c.known, c.open = syntax.RedisCommand(c.name)
	return c, nil
}

// words are JSON values as Redis takes them: all is text. Null is refused, since Redis has no such value.
func words(what string, values []json.RawMessage) ([]string, error) {
	if len(values) > maxArguments {
		return nil, errorf(TooLarge, "%s has %d values; at most %d are possible", what, len(values), maxArguments)
	}
	texts := make([]string, len(values))
	for i, v := range values {
		text, null := textOf(v)
		if null {
			return nil, errorf(BadRequest, "%s[%d] is null, and Redis has no such value", what, i)
		}
		texts[i] = text
	}
	return texts, nil
}

// allowed returns a FORBIDDEN error if the command is closed to methods, or not on a list that is not nil.
func (c *command) allowed(list []string) error {
	switch {
	case !c.open:
		return errorf(Forbidden, "the command %.40s is closed to methods", c.name)
	case list != nil && !slices.Contains(list, c.name):
		return errorf(Forbidden, "the command %s is not one that the app allows", c.name)
	}
	return nil
}

// line is the command as the driver takes it.
func (c *command) line() []any {
	line := make([]any, 1+len(c.args))
	line[0] = c.name
	for i, a := range c.args {
		line[i+1] = a
	}
	return line
}

// single sends one command.
func (r *redisService) single(ctx context.Context, c command) ([]byte, error) {
	reply, err := r.client.Do(ctx, c.line()...).Result()
	return r.answer(ctx, reply, err)
}

// several sends commands, each for itself or all or nothing, and returns the list of their replies.
func (r *redisService) several(ctx context.Context, list []command, pipeline bool) ([]byte, error) {
	switch {
	case len(list) == 0:
		return nil, errorf(BadRequest, "there are no commands")
	case len(list) > maxSteps:
		return nil, errorf(TooLarge, "there are %d commands; at most %d are possible", len(list), maxSteps)
	case pipeline:
		return r.pipeline(ctx, list)
	}
	if keys := touched(list); len(keys) > 0 {
		reply, done, err := r.undoable(ctx, list, keys)
		if done || err != nil {
			return reply, err
		}
	}
	return r.transaction(ctx, list)
}

// pipeline sends commands that do not depend on each other. One that fails has its error in the list.
func (r *redisService) pipeline(ctx context.Context, list []command) ([]byte, error) {
	p := r.client.Pipeline()
	sent := make([]*redis.Cmd, len(list))
	for i := range list {
		sent[i] = p.Do(ctx, list[i].line()...)
	}
	_, err := p.Exec(ctx)
	if err != nil && !isReply(err) {
		return nil, r.failure(ctx, err)
	}
	return r.replies(ctx, sent)
}

// transaction sends commands between MULTI and EXEC. Redis refuses all of them if it finds one that is written wrong; one
// that fails as it runs does not undo those before it, and the error says how many were applied.
func (r *redisService) transaction(ctx context.Context, list []command) ([]byte, error) {
	p := r.client.TxPipeline()
	sent := make([]*redis.Cmd, len(list))
	for i := range list {
		sent[i] = p.Do(ctx, list[i].line()...)
	}
	_, err := p.Exec(ctx)
	switch {
	case err == nil || isNil(err):
		return r.replies(ctx, sent)
	case !isReply(err) || strings.HasPrefix(err.Error(), "EXECABORT"):
		return nil, r.failure(ctx, err)
	}
	applied, failed := 0, -1
	for i, cmd := range sent {
		switch err := cmd.Err(); {
		case err == nil || isNil(err):
			if list[i].known.Writes {
				applied++
			}
		case failed < 0:
			failed = i
		}
	}
	if failed < 0 {
		return nil, r.failure(ctx, err)
	}
	e := r.failure(ctx, sent[failed].Err())
	if applied > 0 {
		e = e.with("applied", applied)
		e.Message += "; what other commands have changed stays, because the values are too large to be kept aside"
	}
	return nil, inStep(e, failed)
}

// replies is the list of what commands answered.
func (r *redisService) replies(ctx context.Context, sent []*redis.Cmd) ([]byte, error) {
	out := []byte{'['}
	for i, cmd := range sent {
		if i > 0 {
			out = append(out, ',')
		}
		value, err := cmd.Result()
		switch {
		case err == nil:
		case isNil(err):
			value = nil
		case isReply(err):
			value = err
		default:
			return nil, r.failure(ctx, err)
		}
		if out = r.appendReply(out, value); len(out) > MaxBytes {
			return nil, tooManyBytes()
		}
	}
	return append(out, ']'), nil
}
