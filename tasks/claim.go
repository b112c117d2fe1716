package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Fields that we keep in asynq's own hash of a task, so that they go when it goes.
const (
	fieldCrashes  = "gaff:crashes"  // runs whose process died
	fieldInnocent = "gaff:innocent" // of them, those that did not end it
	fieldForgiven = "gaff:forgiven" // failures from before somebody had the task run again
	fieldWaits    = "gaff:waits"    // times that it found no place
	fieldSeen     = "gaff:seen"     // crashes that have been dealt with
)

// claim says what a task is told when it begins.
type claim struct {
	crashes  int // in all
	innocent int // of them, those that were none of its own doing
	new      int // of them, since it last began
	forgiven int // failures that do not count
	waits    int // times in a row that it found no place
	place    place
	keys     []string // of the places that it holds
}

// place says whether a task may run.
type place int

const (
	placeFree    place = iota
	placeOverlap       // another tick of the job runs
	placeBusy          // as many of the job run as may
)

// slotFor is how long a place is held at most, in case that nobody gives it back.
const slotFor = taskTimeout + 5*time.Second

// limits say how many tasks of a job run at once; 0 means any number.
type limits struct{ ticks, all int }

// claimScript takes a place in the sorted sets of what runs of a job, by the time until which the place is held.
//
//	KEYS[1] the task, as asynq keeps it
//	KEYS[2] ticks that run            KEYS[3] all that run
//	KEYS[4] those that wait for a place
//	ARGV[1] task id                   ARGV[2] now, in ms
//	ARGV[3] until when, in ms         ARGV[4], ARGV[5] limits of KEYS[2], KEYS[3]; 0: none
//	ARGV[6] 1: it would wait for the ticks that run; 0: it would be passed over
//
// It returns crashes, those of them that are new, forgiven, waits, whether there was a place, and innocent crashes. A task
// that holds a place already keeps it.
func claimScript() *redis.Script {
	return redis.NewScript(`
local function free(key, limit)
	if limit == 0 then return true end
	redis.call("ZREMRANGEBYSCORE", key, "-inf", ARGV[2])
	if redis.call("ZSCORE", key, ARGV[1]) then return true end
	return redis.call("ZCARD", key) < limit
end
local place, waits = 0, 0
local crashes = tonumber(redis.call("HGET", KEYS[1], "` + fieldCrashes + `") or 0)
local seen = tonumber(redis.call("HGET", KEYS[1], "` + fieldSeen + `") or 0)
local forgiven = tonumber(redis.call("HGET", KEYS[1], "` + fieldForgiven + `") or 0)
if not free(KEYS[2], tonumber(ARGV[4])) then
	place = 1
elseif not free(KEYS[3], tonumber(ARGV[5])) then
	place = 2
end
if place == 0 then
	for i = 2, 3 do
		if tonumber(ARGV[i + 2]) > 0 then
			redis.call("ZADD", KEYS[i], ARGV[3], ARGV[1])
			redis.call("PEXPIREAT", KEYS[i], ARGV[3])
		end
	end
	redis.call("HDEL", KEYS[1], "` + fieldWaits + `", "` + fieldPassed + `")
	redis.call("HSET", KEYS[1], "` + fieldSeen + `", crashes)
	if tonumber(ARGV[4]) > 0 or tonumber(ARGV[5]) > 0 then redis.call("ZREM", KEYS[4], ARGV[1]) end
else
	if place == 2 or ARGV[6] == "1" then
		redis.call("ZADD", KEYS[4], ARGV[2], ARGV[1])
		redis.call("PEXPIREAT", KEYS[4], ARGV[3])
	end
	waits = redis.call("HINCRBY", KEYS[1], "` + fieldWaits + `", 1)
end
local innocent = tonumber(redis.call("HGET", KEYS[1], "` + fieldInnocent + `") or 0)
return {crashes, crashes - seen, forgiven, waits, place, innocent}`)
}

// claim takes a place for a task of the job, and finds out how it has fared so far. waits: should another tick of the job run
// it waits for that.
func (q *Queue) claim(ctx context.Context, w *work, l limits, waits bool) (claim, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	now := time.Now()
	ticks, all := q.redis.key("ticks:"+taskType(w.app, w.job)), q.redis.key("runs:"+taskType(w.app, w.job))
	got, err := claimScript().Run(ctx, q.client, []string{q.redis.taskKey(w.id), ticks, all, q.waiting(w)},
		w.id, now.UnixMilli(), now.Add(slotFor).UnixMilli(), l.ticks, l.all, waits).Int64Slice()
	if err == nil && len(got) != 6 {
		err = errors.New("the answer is not as expected")
	}
	if err != nil {
		return claim{}, fmt.Errorf("task %s: a place to run: %w", w.id, err)
	}
	c := claim{crashes: int(got[0]), new: int(got[1]), forgiven: int(got[2]), waits: int(got[3]), place: place(got[4]), innocent: int(got[5])}
	if c.place == placeFree && l.ticks > 0 {
		c.keys = append(c.keys, ticks)
	}
	if c.place == placeFree && l.all > 0 {
		c.keys = append(c.keys, all)
	}
	return c, nil
}

// waiting is where the tasks of a job are that wait for a place.
func (q *Queue) waiting(w *work) string { return q.redis.key("waiting:" + taskType(w.app, w.job)) }

// releaseScript gives places back.
//
//	KEYS[1] those that wait           KEYS[2..] the places
//	ARGV[1] task id
//
// It returns the task that has waited the longest, which waits no more.
func releaseScript() *redis.Script {
	return redis.NewScript(`
for i = 2, #KEYS do redis.call("ZREM", KEYS[i], ARGV[1]) end
return redis.call("ZPOPMIN", KEYS[1])[1] or ""`)
}

// release gives back the places of a task, and has the one that waits the longest for one look again at once. If that fails
// the places are free after slotFor, and tasks that wait look again by themselves.
func (q *Queue) release(ctx context.Context, w *work, c *claim) error {
	if len(c.keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisWithin)
	defer cancel()
	next, err := releaseScript().Run(ctx, q.client, append([]string{q.waiting(w)}, c.keys...), w.id).Text()
	if err != nil {
		return fmt.Errorf("task %s: giving its place back: %w", w.id, err)
	}
	if next != "" {
		_ = q.inspector.RunTask(q.redis.queue(), next) // it may be on its way already, or gone
	}
	return nil
}

// forgive has the failures of a task so far not count.
func (q *Queue) forgive(ctx context.Context, id string, failures int) error {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	return q.client.HSet(ctx, q.redis.taskKey(id), fieldForgiven, failures, fieldCrashes, 0, fieldInnocent, 0, fieldSeen, 0).Err()
}
