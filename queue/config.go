package queue

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"gaff/hooks"
)

// Config says how to connect. Its zero value connects to a server on this machine.
type Config struct {
	URL    string // one or several, separated by commas; default nats://127.0.0.1:4222
	Creds  string // path of a credentials file; empty: none
	Prefix string // of every subject, stream and bucket, lower-case; default gaff
	Name   string // what the server's operator sees; default is the prefix
	Log    *slog.Logger

	Replicas       int           // of streams and buckets; default 1
	EventsMaxAge   time.Duration // how long events are kept; default 7 days
	EventsMaxBytes int64         // default 0: as much as the server allows; past it the oldest go
	LogMaxAge      time.Duration // default 7 days
	LogMaxBytes    int64         // default 1 GiB; past it the oldest go
	DeadMaxAge     time.Duration // default 90 days
	DeadMaxBytes   int64         // default 0: as much as the server allows; past it the oldest go
	KeepReleases   int           // of each app, the newest so many beside those that serve; default 50

	Vault *hooks.Vault // encrypts secrets; nil: they can be neither set nor read

	Embedded bool // the server is a [Server] of this process: Doctor knows how it syncs
}

const (
	defaultURL    = "nats://127.0.0.1:4222"
	defaultPrefix = "gaff"
	week          = 7 * 24 * time.Hour

	defaultReleases = 50
	defaultDeadAge  = 90 * 24 * time.Hour
)

// complete fills in defaults and refuses what cannot be.
func (c Config) complete() (Config, error) {
	c.URL = cmp.Or(c.URL, defaultURL)
	c.Prefix = cmp.Or(c.Prefix, defaultPrefix)
	c.Name = cmp.Or(c.Name, c.Prefix)
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.EventsMaxAge = cmp.Or(c.EventsMaxAge, week)
	c.EventsMaxBytes = cmp.Or(c.EventsMaxBytes, -1)
	c.LogMaxAge = cmp.Or(c.LogMaxAge, week)
	c.LogMaxBytes = cmp.Or(c.LogMaxBytes, 1<<30)
	c.DeadMaxAge = cmp.Or(c.DeadMaxAge, defaultDeadAge)
	c.DeadMaxBytes = cmp.Or(c.DeadMaxBytes, -1)
	c.KeepReleases = cmp.Or(c.KeepReleases, defaultReleases)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := hooks.CheckName("prefix", c.Prefix); err != nil {
		return c, err
	}
	if c.Prefix != strings.ToLower(c.Prefix) {
		return c, hooks.Errorf(hooks.CodeBadName, "prefix %q: use lower-case letters; streams are named by the upper-case ones", c.Prefix)
	}
	if _, err := address(c.URL); err != nil {
		return c, err
	}
	return c, nil
}

// address is a list of URLs as it may be shown: without user, password or token.
func address(urls string) (string, error) {
	var shown []string
	for i, s := range strings.Split(urls, ",") {
		s = strings.TrimSpace(s)
		if !strings.Contains(s, "://") {
			s = "nats://" + s
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" { // err would show the whole URL
			return "", fmt.Errorf("NATS URL %d is not one such as %s", i+1, defaultURL)
		}
		shown = append(shown, u.Scheme+"://"+u.Host)
	}
	return strings.Join(shown, ","), nil
}
