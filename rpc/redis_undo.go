package rpc

import (
	"context"
	_ "embed"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"
)

//go:embed redis_undo.lua
var undoScript string

const (
	// maxKept is how many bytes of values are kept aside to undo a transaction, by Redis's own estimate.
	maxKept = 1 << 20
	// maxUnpacked is how many words a command may have for Lua to pass them on.
	maxUnpacked = 7000
)

// touched lists the keys that a transaction would have to undo: those that commands before the last one write.
func touched(list []command) []string {
	var keys []string
	for i := range list[:len(list)-1] {
		if list[i].known.Writes {
			keys = append(keys, list[i].known.Keys(list[i].args)...)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// undoable runs commands so that all of them are applied or none, and returns the list of their replies; done is false if
// nothing was run because that is not possible for these keys.
func (r *redisService) undoable(ctx context.Context, list []command, keys []string) (out []byte, done bool, err error) {
	args := []string{strconv.Itoa(maxKept)}
	for i := range list {
		if len(list[i].args) > maxUnpacked {
			return nil, false, nil
		}
		args = append(args, strconv.Itoa(1+len(list[i].args)), list[i].name)
		args = append(args, list[i].args...)
	}
	script, err := body(r.bodies, Redis, &Call{Form: Script, Body: undoScript}, func() (*redis.Script, error) {
		return redis.NewScript(undoScript), nil
	})
	if err != nil {
		return nil, false, err
	}
	reply, err := r.run(ctx, script, keys, args)
	if err != nil {
		return nil, false, r.failure(ctx, err)
	}
	answer, _ := reply.([]any)
	if len(answer) == 0 {
		return nil, false, errorf(ServiceError, "Redis gave an answer that cannot be read")
	}
	switch answer[0] {
	case int64(1):
		return r.appendReply(nil, answer[1]), true, nil
	case int64(0):
		number, _ := answer[1].(int64)
		text, _ := answer[2].(string)
		return nil, false, inStep(replyError(text), int(number)-1)
	}
	return nil, false, nil
}
