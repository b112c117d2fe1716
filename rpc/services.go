package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Config is one data service.
type Config struct {
	Name string // as calls name it
	// URL is redis://, rediss://, postgres://, postgresql:// or mysql://, with user, password, database and the driver's
	// own options. pool_size (Redis) and pool_max_conns (the others) say how many connections there are at most.
	URL string
}

// Services are data services that are configured. They are connected to when they are first called. It is safe for
// concurrent use.
type Services struct {
	byName map[string]service
	kinds  map[string]Kind
	bodies bodies
}

// service is one data service.
type service interface {
	do(ctx context.Context, c *Call) ([]byte, error)
	// ping reports whether the service answers, and what it is.
	ping(ctx context.Context) (version string, err error)
	close()
}

// Open returns the services, without connecting to them. An error says which service it is about and never shows its URL.
// Log gets what callers must not see; nil discards it.
func Open(configs []Config, log *slog.Logger) (*Services, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Services{byName: map[string]service{}, kinds: map[string]Kind{}}
	for _, c := range configs {
		kind, opened, err := s.open(c, log.With("service", c.Name))
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("data service %s: %w", c.Name, err)
		}
		s.byName[c.Name], s.kinds[c.Name] = opened, kind
	}
	return s, nil
}

func (s *Services) open(c Config, log *slog.Logger) (Kind, service, error) {
	u, err := url.Parse(c.URL)
	if err != nil { // which would show the URL
		return "", nil, fmt.Errorf("the URL cannot be read: a password with special characters must be percent-encoded")
	}
	var opened service
	kind := Kind(u.Scheme)
	switch u.Scheme {
	case "redis", "rediss":
		kind = Redis
		opened, err = openRedis(c.Name, c.URL, &s.bodies, log)
	case "postgres", "postgresql":
		kind = Postgres
		opened, err = openPostgres(c.Name, c.URL, &s.bodies, log)
	case "mysql":
		opened, err = openMySQL(c.Name, u, &s.bodies, log)
	default:
		return "", nil, fmt.Errorf("%.20q is none of redis, rediss, postgres, postgresql, mysql", u.Scheme)
	}
	return kind, opened, err
}

// Close ends all connections. Nobody may call any more.
func (s *Services) Close() {
	for _, one := range s.byName {
		one.close()
	}
}

// Names lists the services.
func (s *Services) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }

// Kind returns the kind of a service, and whether there is one of that name.
func (s *Services) Kind(name string) (Kind, bool) {
	kind, ok := s.kinds[name]
	return kind, ok
}

// Ping reports whether a service answers, and what it says that it is.
func (s *Services) Ping(ctx context.Context, name string) (version string, err error) {
	one, ok := s.byName[name]
	if !ok {
		return "", fmt.Errorf("there is no data service %s", name)
	}
	return one.ping(ctx)
}

// defaultTimeout bounds a call whose context has no deadline.
const defaultTimeout = 10 * time.Second

// Do carries out a call and returns its result, as JSON: of a script what it returned, of a macro the list of what its
// steps did, of a statement {rows, rowCount, fields} (PostgreSQL) or {rows, fields} (MySQL). A step of a pipeline that
// fails stands in the list as {"error":{code, message}}. The error is an [*Error]. The call ends at the latest soon after
// ctx.
func (s *Services) Do(ctx context.Context, c *Call) ([]byte, error) {
	one, ok := s.byName[c.Service]
	if !ok {
		return nil, errorf(Unavailable, "the data service %s is not configured", c.Service)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	result, err := one.do(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case len(result) > MaxBytes:
		return nil, tooManyBytes()
	}
	return result, nil
}

// bodies keep what was made of methods' bodies: parsed macros, analysed statements, hashed scripts.
type bodies struct {
	mu   sync.Mutex
	made map[bodyKey]any
}

type bodyKey struct {
	kind Kind
	form Form
	text string
}

// maxBodies is how many bodies are kept. There are as many as there are methods, in the releases of late.
const maxBodies = 4096

// body returns what make makes of a call's body, which it does once.
func body[T any](b *bodies, kind Kind, c *Call, make func() (T, error)) (T, error) {
	key := bodyKey{kind, c.Form, c.Body}
	b.mu.Lock()
	defer b.mu.Unlock()
	if made, ok := b.made[key].(T); ok {
		return made, nil
	}
	made, err := make()
	if err != nil {
		return made, err
	}
	if b.made == nil || len(b.made) >= maxBodies {
		b.made = map[bodyKey]any{}
	}
	b.made[key] = made
	return made, nil
}

// poolSize takes an option such as pool_max_conns out of a URL's query; 0 if it is not there.
func poolSize(query url.Values, name string) (int, error) {
	text := query.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPool {
		return 0, fmt.Errorf("%s is not a number from 1 to %d", name, maxPool)
	}
	query.Del(name)
	return n, nil
}

const maxPool = 10_000
