package tasks

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// giveBackScript puts an active task to the front of those that wait, and counts that. It knows how asynq keeps
// tasks, because asynq itself gives back only what its own process runs, and the dead's after a minute or two.
//
//	KEYS[1] active list   KEYS[2] leases   KEYS[3] pending list   KEYS[4] the task
//	ARGV[1] task id       ARGV[2] now, in ns
//	ARGV[3] the lease's end, in s, that it must still have; empty: any
//	ARGV[4] 1: it did not end its process
//
// It returns 1, or 0 if the task is not active, or its lease is another by now.
func giveBackScript() *redis.Script {
	return redis.NewScript(`
if ARGV[3] ~= "" and tonumber(redis.call("ZSCORE", KEYS[2], ARGV[1]) or -1) ~= tonumber(ARGV[3]) then return 0 end
if redis.call("LREM", KEYS[1], 0, ARGV[1]) == 0 then return 0 end
redis.call("ZREM", KEYS[2], ARGV[1])
redis.call("HSET", KEYS[4], "state", "pending", "pending_since", ARGV[2])
redis.call("HINCRBY", KEYS[4], "` + fieldCrashes + `", 1)
if ARGV[4] == "1" then redis.call("HINCRBY", KEYS[4], "` + fieldInnocent + `", 1) end
redis.call("RPUSH", KEYS[3], ARGV[1])
return 1`)
}

// GiveBack has tasks run again at once whose process has died: those of the ids that are active. The ids are those of
// their events. It returns how many there were. A task that is in truth still running then runs twice. What has ended three
// processes is not run again; innocent says that these tasks were only there when theirs ended.
func (q *Queue) GiveBack(ctx context.Context, app string, innocent bool, ids ...string) (int, error) {
	given := 0
	for _, id := range ids {
		ok, err := q.giveBack(ctx, fullID(app, id), "", innocent)
		if err != nil {
			return given, fmt.Errorf("giving task %s back: %w", id, err)
		}
		if ok {
			given++
		}
	}
	return given, nil
}

func (q *Queue) giveBack(ctx context.Context, id, lease string, innocent bool) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	keys := []string{q.asynqKey("active"), q.asynqKey("lease"), q.asynqKey("pending"), q.redis.taskKey(id)}
	n, err := giveBackScript().Run(ctx, q.client, keys, id, time.Now().UnixNano(), lease, innocent).Int()
	return n == 1, err
}

// asynqKey is one of asynq's keys of the queue.
func (q *Queue) asynqKey(name string) string { return "asynq:{" + q.redis.queue() + "}:" + name }
