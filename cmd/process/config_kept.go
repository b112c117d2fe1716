package process

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// keptOptions say what NATS keeps, for how long, and how often.
func keptOptions() []option {
	age := func(field func(*Config) *time.Duration) func(*Config, string) error {
		return func(c *Config, s string) (err error) { *field(c), err = parseAge(s); return err }
	}
	size := func(field func(*Config) *int64) func(*Config, string) error {
		return func(c *Config, s string) (err error) { *field(c), err = parseSize(s); return err }
	}
	return []option{
		{"keep-releases", "releases to keep of each app", false, setKeepReleases},
		{"replicas", "of streams and buckets: 1, 3 or 5", false, setReplicas},
		{"events-max-age", "how long events are kept, such as 7d or 168h", false, age(func(c *Config) *time.Duration { return &c.EventsMaxAge })},
		{"events-max-bytes", "how much of events is kept, such as 10GiB", false, size(func(c *Config) *int64 { return &c.EventsMaxBytes })},
		{"log-max-age", "how long records are kept, such as 7d or 168h", false, age(func(c *Config) *time.Duration { return &c.LogMaxAge })},
		{"log-max-bytes", "how much of the log is kept, such as 1GiB", false, size(func(c *Config) *int64 { return &c.LogMaxBytes })},
		{"dead-max-age", "how long dead letters are kept, such as 90d", false, age(func(c *Config) *time.Duration { return &c.DeadMaxAge })},
		{"dead-max-bytes", "how much of dead letters is kept, such as 1GiB", false, size(func(c *Config) *int64 { return &c.DeadMaxBytes })},
	}
}

const maxKeepReleases = 1000

func setKeepReleases(c *Config, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxKeepReleases {
		return fmt.Errorf("%q is not a number from 1 to %d", s, maxKeepReleases)
	}
	c.KeepReleases = n
	return nil
}

func setReplicas(c *Config, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || !slices.Contains([]int{1, 3, 5}, n) {
		return fmt.Errorf("%q is none of 1, 3, 5", s)
	}
	c.Replicas = n
	return nil
}

const (
	day    = 24 * time.Hour
	minAge = time.Hour // longer than NATS remembers the ids of messages
	maxAge = 3650 * day
)

// parseAge reads a duration, or whole days such as 7d.
func parseAge(s string) (time.Duration, error) {
	var d time.Duration
	var err error
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 12)
		d = time.Duration(n) * day
	} else {
		d, err = time.ParseDuration(s)
	}
	if err != nil || d < minAge || d > maxAge {
		return 0, fmt.Errorf("%q is not a time from 1h to %dd", s, maxAge/day)
	}
	return d, nil
}

const (
	minKept = 16 << 20 // holds some messages of the largest size
	maxKept = 1 << 50
)

func parseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n < minKept || n > maxKept {
		return 0, fmt.Errorf("%q is not a size from 16MiB to 1PiB", s)
	}
	return int64(n), nil
}
