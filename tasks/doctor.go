package tasks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"gaff/hooks"
)

const (
	// examineTimeout bounds all of Doctor.
	examineTimeout = 5 * time.Second
	// trace is how long what Doctor writes can stay if it breaks off.
	trace = 10 * time.Second
)

// Doctor examines the server, within 5 s. It changes nothing that lasts.
func (r Redis) Doctor(ctx context.Context) []hooks.Finding {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	client := r.impatient()
	defer client.Close()
	text, err := client.Info(ctx).Result()
	if err != nil {
		return []hooks.Finding{hooks.Wrong("Redis server", "INFO: %s", err)}
	}
	info := parseInfo(text)
	return []hooks.Finding{
		versionFinding(info), evictionFinding(info), durabilityFinding(info, fsync(ctx, client)),
		clockFinding(ctx, client), r.permissionFinding(ctx, client),
	}
}

// parseInfo reads the answer to INFO: a field and its value on each line.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if field, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[field] = value
		}
	}
	return info
}

// The oldest server that asynq works with, and the oldest that is still mended.
const leastMajor, mendedMajor = 4, 7

func versionFinding(info map[string]string) hooks.Finding {
	const name = "Redis version"
	version := info["redis_version"]
	var major int
	if _, err := fmt.Sscanf(version, "%d.", &major); err != nil {
		return hooks.Wrong(name, "%.40q cannot be read", version)
	}
	switch {
	case major < leastMajor:
		return hooks.Wrong(name, "%s; %d or later is needed", version, leastMajor)
	case major < mendedMajor:
		return hooks.Warning(name, "%s gets no more fixes; use %d or later", version, mendedMajor)
	}
	return hooks.Fine(name, "%s", version)
}

func evictionFinding(info map[string]string) hooks.Finding {
	const name = "Redis eviction"
	if policy := info["maxmemory_policy"]; policy != "noeviction" {
		return hooks.Wrong(name, "maxmemory-policy is %s: jobs vanish when memory is short; set it to noeviction", policy)
	}
	return hooks.Fine(name, "noeviction")
}

// fsync is when Redis syncs, empty if it does not let clients see.
func fsync(ctx context.Context, client redis.UniversalClient) string {
	settings, err := client.ConfigGet(ctx, "appendfsync").Result()
	if err != nil {
		return ""
	}
	return settings["appendfsync"]
}

func durabilityFinding(info map[string]string, fsync string) hooks.Finding {
	const name = "Redis durability"
	switch {
	case info["aof_enabled"] != "1":
		return hooks.Wrong(name, "appendonly is no: a restart loses jobs; set it to yes")
	case info["aof_last_write_status"] == "err":
		return hooks.Wrong(name, "the append-only file cannot be written: see Redis's log")
	case fsync == "":
		return hooks.Fine(name, "appendonly; Redis does not let clients see appendfsync: always syncs each job, everysec may lose a second")
	case fsync != "always":
		return hooks.Warning(name, "appendonly, appendfsync %s: a power failure may lose jobs; always syncs each", fsync)
	}
	return hooks.Fine(name, "appendonly, appendfsync always")
}

func clockFinding(ctx context.Context, client redis.UniversalClient) hooks.Finding {
	const name = "Redis clock"
	before := time.Now()
	there, err := client.Time(ctx).Result()
	if err != nil {
		return hooks.Wrong(name, "%s", err)
	}
	return hooks.ClockFinding(name, before, there, time.Now())
}

// permissionFinding does what asynq needs: it writes a key, and removes it by a script.
func (r Redis) permissionFinding(ctx context.Context, client redis.UniversalClient) hooks.Finding {
	const name = "Redis permissions"
	key := "asynq:{" + r.queue() + "}:doctor"
	err := client.Set(ctx, key, "", trace).Err()
	if err == nil {
		err = redis.NewScript(`return redis.call("DEL", KEYS[1])`).Run(ctx, client, []string{key}).Err()
	}
	if err == nil {
		err = client.Publish(ctx, "asynq:cancel", "").Err() // of the task without an id: there is none
	}
	if err != nil {
		return hooks.Wrong(name, "%s", err)
	}
	return hooks.Fine(name, "permitted")
}
