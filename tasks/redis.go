package tasks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis says where tasks are kept. Make it with [ParseRedis].
type Redis struct {
	opt    connection
	prefix string
}

// connection makes clients for asynq. Its own options lose user names, and how often to dial.
type connection redis.Options

// MakeRedisClient returns a new client.
func (c connection) MakeRedisClient() any {
	opt := redis.Options(c)
	return redis.NewClient(&opt)
}

const dialTimeout = 3 * time.Second

// ParseRedis reads a URL redis://[user:password@]host[:port][/database], or rediss:// for TLS. The prefix keeps
// several installations on one Redis apart. Errors do not show the password.
func ParseRedis(rawURL, prefix string) (Redis, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Redis{}, errors.New("the Redis URL is not a URL such as redis://127.0.0.1:6379")
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" {
		return Redis{}, fmt.Errorf("Redis URL %s: use redis://host:port or rediss://host:port", u.Redacted())
	}
	if prefix == "" {
		return Redis{}, errors.New("the prefix of task queues is empty")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	r := Redis{prefix: prefix, opt: connection{
		Addr:          net.JoinHostPort(u.Hostname(), port),
		Username:      u.User.Username(),
		DialTimeout:   dialTimeout,
		DialerRetries: 1, // commands are tried again, and so dial again
	}}
	r.opt.Password, _ = u.User.Password()
	if db := strings.Trim(u.Path, "/"); db != "" {
		if r.opt.DB, err = strconv.Atoi(db); err != nil || r.opt.DB < 0 {
			return Redis{}, fmt.Errorf("Redis URL %s: the database must be a number", u.Redacted())
		}
	}
	if u.Scheme == "rediss" {
		r.opt.TLSConfig = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	return r, nil
}

// client returns one that keeps to the deadlines of its callers, and tries once.
func (r Redis) client() *redis.Client {
	opt := redis.Options(r.opt)
	opt.ContextTimeoutEnabled = true
	opt.MaxRetries = -1
	return redis.NewClient(&opt)
}

// Ping returns nil if Redis answers within 3 s, or one line that says which server does not and why.
func (r Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	client := r.client()
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("Redis at %s does not answer: %w", r.opt.Addr, err)
	}
	return nil
}

// queue is the asynq queue in which the tasks of jobs wait.
func (r Redis) queue() string { return r.prefix + ".jobs" }
