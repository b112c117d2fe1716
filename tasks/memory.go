package tasks

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// rememberScript keeps, for each job, the newest tick that needs nothing anymore, with the schedule that it is one of.
//
//	KEYS[1] hash, by job: the tick in seconds, a space, the schedule
//	ARGV[1] keep: only jobs that are new, or have another schedule by now, are set; set: also those with an older tick
//	ARGV[2..] job, tick, schedule, again and again
//
// It returns the ticks that are kept now, in order.
func rememberScript() *redis.Script {
	return redis.NewScript(`
local kept = {}
for i = 2, #ARGV, 3 do
	local job, tick, schedule = ARGV[i], ARGV[i + 1], ARGV[i + 2]
	local value = redis.call("HGET", KEYS[1], job)
	local at, of
	if value then at, of = string.match(value, "^(%-?%d+) (.*)$") end
	if of == schedule and (ARGV[1] == "keep" or tonumber(at) >= tonumber(tick)) then
		kept[#kept + 1] = at
	else
		redis.call("HSET", KEYS[1], job, tick .. " " .. schedule)
		kept[#kept + 1] = tick
	end
end
return kept`)
}

// memory remembers the last tick of each job across the lives of schedulers.
type memory struct{ queue *Queue }

func (m memory) key() string { return m.queue.redis.key("last-ticks") }

// remember keeps the last ticks of jobs. With set false, jobs that are known keep the ones they have. The last of each
// then is what is kept, or later.
func (m memory) remember(ctx context.Context, entries []*entry, set bool) error {
	if len(entries) == 0 {
		return nil
	}
	mode := "keep"
	if set {
		mode = "set"
	}
	args := []any{mode}
	for _, e := range entries {
		args = append(args, e.key(), e.clock.last.Unix(), e.text)
	}
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	kept, err := rememberScript().Run(ctx, m.queue.client, []string{m.key()}, args...).StringSlice()
	if err != nil || len(kept) != len(entries) {
		return fmt.Errorf("the last ticks of jobs: %w", err)
	}
	for i, e := range entries {
		seconds, err := strconv.ParseInt(kept[i], 10, 64)
		if err != nil {
			return fmt.Errorf("the last tick of job %s: %w", e.key(), err)
		}
		if at := time.Unix(seconds, 0).UTC(); !e.known || at.After(e.clock.last) {
			e.clock.last = at
		}
	}
	return nil
}

// forget removes what is kept of jobs.
func (m memory) forget(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	return m.queue.client.HDel(ctx, m.key(), keys...).Err()
}

// jobs are those of which something is kept.
func (m memory) jobs(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	return m.queue.client.HKeys(ctx, m.key()).Result()
}
