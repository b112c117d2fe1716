package tasks

import (
	"context"

	"github.com/redis/go-redis/v9"

	"gaff/hooks"
)

// Figures returns how many tasks of all apps are in each state. It does not ask asynq's inspector, which reads tasks to
// guess the memory that they take.
func (q *Queue) Figures(ctx context.Context) (map[hooks.TaskState]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	key := func(state hooks.TaskState) string { return q.asynqKey(string(state)) }
	sizes := map[hooks.TaskState]*redis.IntCmd{}
	_, err := q.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, state := range hooks.TaskStates() {
			if state == hooks.TaskActive || state == hooks.TaskPending {
				sizes[state] = p.LLen(ctx, key(state))
			} else {
				sizes[state] = p.ZCard(ctx, key(state))
			}
		}
		return nil
	})
	if err != nil {
		return nil, unreachable(err)
	}
	figures := make(map[hooks.TaskState]int64, len(sizes))
	for state, size := range sizes {
		figures[state] = size.Val()
	}
	return figures, nil
}
