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
type connection redis.UniversalOptions

// MakeRedisClient returns a new client.
func (c connection) MakeRedisClient() any { return c.client() }

func (c connection) client() redis.UniversalClient {
	opt := redis.UniversalOptions(c)
	return redis.NewUniversalClient(&opt)
}

const (
	dialTimeout  = 3 * time.Second
	redisPort    = "6379"
	sentinelPort = "26379"
)

// usage says which URLs there are.
const usage = "use redis://host:port, rediss://host:port for TLS, redis-sentinel://host:port,host:port?master=NAME, " +
	"or redis-cluster://host:port,host:port"

// ParseRedis reads where a Redis is. The prefix keeps several installations on one Redis apart. Errors do not show the
// password. The URL is one of
//
//	redis://[user:password@]host[:port][/database]
//	redis-sentinel://[user:password@]host[:port],…[/database]?master=NAME[&sentinelUser=…&sentinelPassword=…]
//	redis-cluster://[user:password@]host[:port],…
//
// with rediss in place of redis for TLS. User and password are those of the servers that keep the data; hosts of a
// sentinel URL are the sentinels, of a cluster URL some of its nodes.
func ParseRedis(rawURL, prefix string) (Redis, error) {
	u, err := parseHosts(rawURL)
	if err != nil {
		return Redis{}, err
	}
	if prefix == "" {
		return Redis{}, errors.New("the prefix of task queues is empty")
	}
	kind, secure := strings.CutPrefix(u.Scheme, "rediss")
	if !secure {
		kind = strings.TrimPrefix(u.Scheme, "redis")
	}
	r := Redis{prefix: prefix, opt: connection{
		Username:      u.User.Username(),
		DialTimeout:   dialTimeout,
		DialerRetries: 1, // commands are tried again, and so dial again
	}}
	r.opt.Password, _ = u.User.Password()
	port := redisPort
	if kind == "-sentinel" {
		port = sentinelPort
	}
	if r.opt.Addrs, err = addresses(u, port); err != nil {
		return Redis{}, err
	}
	if err := r.opt.database(u); err != nil {
		return Redis{}, err
	}
	if secure {
		r.opt.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		if host, _, err := net.SplitHostPort(r.opt.Addrs[0]); err == nil && kind == "" {
			r.opt.TLSConfig.ServerName = host
		}
	}
	return r, r.opt.shape(u, kind)
}

// parseHosts is url.Parse for several hosts.
func parseHosts(rawURL string) (*url.URL, error) {
	bad := errors.New("the Redis URL is not a URL such as redis://127.0.0.1:6379")
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return nil, bad
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		end = i
	}
	hosts := rest[strings.LastIndex(rest[:end], "@")+1 : end]
	u, err := url.Parse(scheme + "://" + rest[:end-len(hosts)] + "hosts" + rest[end:])
	if err != nil {
		return nil, bad
	}
	u.Host = hosts
	switch strings.TrimSuffix(strings.TrimSuffix(u.Scheme, "-sentinel"), "-cluster") {
	case "redis", "rediss":
		return u, nil
	}
	return nil, fmt.Errorf("Redis URL %s: %s", u.Redacted(), usage)
}

// addresses are the hosts of u, each with a port.
func addresses(u *url.URL, port string) ([]string, error) {
	var list []string
	for host := range strings.SplitSeq(u.Host, ",") {
		one := url.URL{Host: host}
		if one.Hostname() == "" {
			return nil, fmt.Errorf("Redis URL %s: %s", u.Redacted(), usage)
		}
		if own := one.Port(); own != "" {
			list = append(list, net.JoinHostPort(one.Hostname(), own))
		} else {
			list = append(list, net.JoinHostPort(one.Hostname(), port))
		}
	}
	return list, nil
}

func (c *connection) database(u *url.URL) (err error) {
	if db := strings.Trim(u.Path, "/"); db != "" {
		if c.DB, err = strconv.Atoi(db); err != nil || c.DB < 0 {
			return fmt.Errorf("Redis URL %s: the database must be a number", u.Redacted())
		}
	}
	return nil
}

// shape takes in what the kind of the URL means: one server, sentinels, or a cluster.
func (c *connection) shape(u *url.URL, kind string) error {
	query := u.Query()
	take := func(name string) string {
		defer query.Del(name)
		return query.Get(name)
	}
	var problem string
	switch kind {
	case "-sentinel":
		c.MasterName, c.SentinelUsername, c.SentinelPassword = take("master"), take("sentinelUser"), take("sentinelPassword")
		if c.MasterName == "" {
			problem = "it must say which master the sentinels watch: ?master=NAME"
		}
	case "-cluster":
		if c.IsClusterMode = true; c.DB != 0 {
			problem = "a cluster has no databases but 0"
		}
	default:
		if len(c.Addrs) > 1 {
			problem = "several hosts are those of redis-sentinel:// or redis-cluster://"
		}
	}
	if problem == "" && len(query) > 0 {
		problem = "it has parameters that are not known"
	}
	if problem != "" {
		shown := *u
		shown.RawQuery = "" // may have a password
		return fmt.Errorf("Redis URL %s: %s", shown.Redacted(), problem)
	}
	return nil
}

// impatient returns a client that keeps to the deadlines of its callers, and tries once.
func (r Redis) impatient() redis.UniversalClient {
	opt := r.opt
	opt.ContextTimeoutEnabled = true
	opt.MaxRetries = -1
	return opt.client()
}

// Ping returns nil if Redis answers within 3 s, or one line that says which server does not and why.
func (r Redis) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	client := r.impatient()
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("Redis at %s does not answer: %w", strings.Join(r.opt.Addrs, ","), err)
	}
	return nil
}

// queue is the asynq queue in which the tasks of jobs wait.
func (r Redis) queue() string { return r.prefix + ".jobs" }

// key is a key of ours beside those of the queue, in the same slot of a cluster.
func (r Redis) key(name string) string { return "asynq:{" + r.queue() + "}:gaff:" + name }

// taskKey is where asynq keeps a task.
func (r Redis) taskKey(id string) string { return "asynq:{" + r.queue() + "}:t:" + id }
