package process

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"gaff/hooks"
)

// Config is what worker and enqueuer are told by their environment and flags.
type Config struct {
	NATSURL     string       // default nats://127.0.0.1:4222
	NATSCreds   string       // path of a NATS credentials file; empty: none
	RedisURL    string       // default redis://127.0.0.1:6379
	PostgresURL string       // documents and outbox; or
	SQLitePath  string       // the file of an SQLite database
	HTTP        string       // address to listen on; the enqueuer's default is 127.0.0.1:8090. A worker tells its health there, if set
	AdminKey    string       // opens everything of every app; empty: no key does
	Vault       *hooks.Vault `json:"-"` // encrypts secrets; nil: there can be none
	Executors   int          // 0: scripts run in the worker's own process; default of a worker: one for each processor
	Apps        []AppSet     // whose scripts run here, each set in executors of its own; nil: everybody's, in one set
	Concurrency int          // runs in flight at most, in each set; default [DefaultConcurrency]
	MemoryLimit uint64       // bytes that an executor may take, or that the garbage collector keeps to; default 512 MiB
	Prefix      string       // of every subject, stream and queue; default gaff
	// AllowAddresses are ranges that scripts may reach although they are not public; default none.
	AllowAddresses []netip.Prefix
	OutgoingCalls  int    // of one run; this and what follows: 0 means the default of [outbound.Config]
	OutgoingSize   int64  // of a body, sent or received, in bytes
	OutgoingAtOnce int    // under way in one process
	LogLevel       string // debug, info, warn or error; default info
	LogFormat      string // text or json; default text

	KeepReleases   int           // of each app; this and what follows: 0 means the default of [queue.Config]
	Replicas       int           // of streams and buckets
	EventsMaxAge   time.Duration // how long events are kept
	EventsMaxBytes int64         // past it the oldest go
	LogMaxAge      time.Duration // how long records are kept
	LogMaxBytes    int64         // past it the oldest go
	DeadMaxAge     time.Duration // how long dead letters are kept
	DeadMaxBytes   int64         // past it the oldest go

	// Services are the data services of methods, by name in lower case.
	Services map[string]Service

	Embedded bool // NATS and Redis run in this process, for gaff dev

	VaultFile string `json:"-"` // where the key of Vault is, for executors

	Check bool // validate configuration and connections, then end
}

// DefaultConcurrency is how many runs are in flight at most, if nothing else is said.
const DefaultConcurrency = 4096

// option is one thing to configure: a flag, and a variable of the environment named like it.
type option struct {
	flag   string
	usage  string
	secret bool // may be given as a file, by GAFF_…_FILE
	set    func(*Config, string) error
}

func options() []option {
	text := func(field func(*Config) *string) func(*Config, string) error {
		return func(c *Config, s string) error { *field(c) = s; return nil }
	}
	return append([]option{
		{"nats-url", "NATS server", true, text(func(c *Config) *string { return &c.NATSURL })},
		{"nats-creds", "NATS credentials file", false, text(func(c *Config) *string { return &c.NATSCreds })},
		{"redis-url", "Redis server, for jobs", true, text(func(c *Config) *string { return &c.RedisURL })},
		{"postgres-url", "PostgreSQL database, for documents and outbox", true, text(func(c *Config) *string { return &c.PostgresURL })},
		{"sqlite-path", "SQLite file, instead of PostgreSQL", false, text(func(c *Config) *string { return &c.SQLitePath })},
		{"http", "address to listen on", false, text(func(c *Config) *string { return &c.HTTP })},
		{"admin-key-file", "file with the key that opens everything", false, readAdminKey},
		{"secrets-key-file", "file with the key that encrypts secrets", false, readVault},
		{"executors", "executor processes; 0: scripts run in the worker itself", false, setExecutors},
		{"apps", "whose scripts this worker runs: names, each with executors of its own (name:N: N of them), * for all others, !name for one left to other workers, such as shop:2,*", false, setApps},
		{"concurrency", "runs in flight at most", false, setConcurrency},
		{"memory-limit", "memory of each executor, such as 256MiB", false, setMemoryLimit},
		{"allow-addresses", "ranges that scripts may reach although they are not public, such as 10.0.0.0/8,127.0.0.1", false, setAllowed},
		{"outgoing-calls", "outgoing calls of one run", false, within(func(c *Config) *int { return &c.OutgoingCalls }, 1, 10_000)},
		{"outgoing-size", "largest body of an outgoing call or its answer, such as 4MiB", false, setOutgoingSize},
		{"outgoing-at-once", "outgoing calls under way in one process", false, within(func(c *Config) *int { return &c.OutgoingAtOnce }, 1, 65_536)},
		{"prefix", "of every subject, stream and queue", false, setPrefix},
		{"log-level", "debug, info, warn or error", false, oneOf(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error")},
		{"log-format", "text or json", false, oneOf(func(c *Config) *string { return &c.LogFormat }, "text", "json")},
	}, keptOptions()...)
}

// ErrUsage is in the chain of every error that is the operator's to mend; commands exit with 2 for it.
var ErrUsage = errors.New("bad configuration")

// LoadConfig reads flags and the environment; flags win. A variable GAFF_… that nobody knows is an error. When help is
// asked for, it prints the usage to w and returns [pflag.ErrHelp].
func LoadConfig(command string, args, environ []string, w io.Writer) (Config, error) {
	c := Config{
		Executors: runtime.GOMAXPROCS(0),
		NATSURL:   "nats://127.0.0.1:4222", RedisURL: "redis://127.0.0.1:6379", Concurrency: DefaultConcurrency, MemoryLimit: 512 << 20,
		Prefix: "gaff", LogLevel: "info", LogFormat: "text",
	}
	opts := options()
	if err := c.fromEnvironment(opts, environ); err != nil {
		return c, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	flags := pflag.NewFlagSet(command, pflag.ContinueOnError)
	flags.SetOutput(w)
	flags.BoolVar(&c.Check, "check", false, "validate configuration and connections, then exit")
	for _, o := range opts {
		flags.Func(o.flag, o.usage+" ("+variable(o.flag)+")", func(s string) error { return o.set(&c, s) })
	}
	c.serviceFlags(flags, args)
	switch err := flags.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return c, err
	case err != nil:
		return c, fmt.Errorf("%w: %w", ErrUsage, err)
	case flags.NArg() > 0:
		return c, fmt.Errorf("%w: unexpected argument %q", ErrUsage, flags.Arg(0))
	case c.PostgresURL != "" && c.SQLitePath != "":
		return c, fmt.Errorf("%w: give GAFF_POSTGRES_URL or GAFF_SQLITE_PATH, not both", ErrUsage)
	case c.PostgresURL == "" && c.SQLitePath == "":
		return c, fmt.Errorf("%w: give GAFF_POSTGRES_URL or GAFF_SQLITE_PATH, for documents", ErrUsage)
	}
	if err := c.checkServices(); err != nil {
		return c, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if command == commandWorker {
		if err := c.CheckApps(); err != nil {
			return c, fmt.Errorf("%w: GAFF_APPS: %w", ErrUsage, err)
		}
	}
	return c, nil
}

const variablePrefix = "GAFF_"

func variable(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets every option that the environment names. The variables of the command line tool may stand in the
// same environment.
func (c *Config) fromEnvironment(opts []option, environ []string) error {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || forTool(name) {
			continue
		}
		if service, ok := strings.CutPrefix(name, servicePrefix); ok {
			if err := c.setService(service, value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		i := slices.IndexFunc(opts, func(o option) bool {
			return variable(o.flag) == name || o.secret && variable(o.flag)+"_FILE" == name
		})
		if i < 0 {
			return fmt.Errorf("%s is not a variable of Gaff", name)
		}
		if variable(opts[i].flag) != name {
			secret, err := readSecret(value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			value = secret
		}
		if err := opts[i].set(c, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// forTool reports whether a variable is for the command gaff.
func forTool(name string) bool {
	return slices.Contains([]string{"GAFF_URL", "GAFF_KEY", "GAFF_KEY_FILE"}, name)
}

const maxSecretFile = 64 << 10

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return secret, nil
}

const minAdminKey = 16

func readAdminKey(c *Config, path string) error {
	key, err := readSecret(path)
	if err != nil {
		return err
	}
	if len(key) < minAdminKey {
		return fmt.Errorf("the key in %s is shorter than %d characters", path, minAdminKey)
	}
	c.AdminKey = key
	return nil
}

const maxExecutors = 256

func setExecutors(c *Config, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxExecutors {
		return fmt.Errorf("%q is not a number from 0 (scripts run in the worker itself) to %d", s, maxExecutors)
	}
	c.Executors = n
	return nil
}

func setConcurrency(c *Config, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of at least 1", s)
	}
	c.Concurrency = n
	return nil
}

const minMemory = 64 << 20

func setMemoryLimit(c *Config, s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil || n < minMemory {
		return fmt.Errorf("%q is not a size of at least 64MiB", s)
	}
	c.MemoryLimit = n
	return nil
}

func setPrefix(c *Config, s string) error {
	if err := hooks.CheckName("prefix", s); err != nil {
		return err
	}
	c.Prefix = s
	return nil
}

func oneOf(field func(*Config) *string, values ...string) func(*Config, string) error {
	return func(c *Config, s string) error {
		if !slices.Contains(values, s) {
			return fmt.Errorf("%q is none of %s", s, strings.Join(values, ", "))
		}
		*field(c) = s
		return nil
	}
}
