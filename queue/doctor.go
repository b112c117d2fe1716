package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// examineTimeout bounds all of Doctor.
	examineTimeout = 8 * time.Second
	// permitTimeout is after what time an answer that does not come means that asking is not permitted: the server
	// tells the connection, not the request.
	permitTimeout = 2 * time.Second
	// leastPayload holds an event with three documents of 1 MiB, and what comes with them.
	leastPayload = 4 << 20
	// fullShare of what an account may store is worth a warning.
	fullShare = 0.9
)

// Doctor examines the server and what Gaff keeps there, within 8 s. It changes nothing that lasts.
func (c *Conn) Doctor(ctx context.Context) []hooks.Finding {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	if err := c.Ping(ctx); err != nil {
		return []hooks.Finding{hooks.Wrong("NATS server", "it does not answer: %s", err)}
	}
	findings := []hooks.Finding{versionFinding(c.nc.ConnectedServerVersion()), c.accountFinding(ctx), c.payloadFinding()}
	findings = append(findings, c.streamFindings(ctx)...)
	return append(findings, c.publishFinding(ctx), c.consumeFinding(ctx), c.syncFinding())
}

func versionFinding(version string) hooks.Finding {
	const name = "NATS version"
	if err := checkVersion(version); err != nil {
		return hooks.Wrong(name, "%s", err)
	}
	if !isNewer(version) {
		return hooks.Warning(name, "%s; with %d.%d or later the log costs far less", version, newerMajor, newerMinor)
	}
	return hooks.Fine(name, "%s", version)
}

func (c *Conn) accountFinding(ctx context.Context) hooks.Finding {
	const name = "NATS JetStream"
	info, err := c.js.AccountInfo(ctx)
	if err != nil {
		return hooks.Wrong(name, "%s", err)
	}
	used, limit := humanize.IBytes(info.Store), info.Limits.MaxStore
	if limit > 0 && float64(info.Store) > fullShare*float64(limit) {
		return hooks.Warning(name, "%s of %s are used: give the account more", used, humanize.IBytes(uint64(limit)))
	}
	return hooks.Fine(name, "%d streams, %s", info.Streams, used)
}

func (c *Conn) payloadFinding() hooks.Finding {
	const name = "NATS max_payload"
	most := c.nc.MaxPayload()
	if most < leastPayload {
		return hooks.Wrong(name, "%s; events with documents of 1 MiB need %s: set max_payload: 8MB",
			humanize.IBytes(uint64(most)), humanize.IBytes(leastPayload))
	}
	return hooks.Fine(name, "%s", humanize.IBytes(uint64(most)))
}

// streamFindings tell of storage, replicas and the clock of the server that has the streams.
func (c *Conn) streamFindings(ctx context.Context) []hooks.Finding {
	var unsafe, lacking []string
	var clock hooks.Finding
	for _, name := range []string{c.eventStream(), c.logStream(), c.workStream(), c.deadStream(), c.doneStream(), c.kept("KV"), "KV_" + c.kept("ONCE"), "KV_" + c.kept("ORDER"), "KV_" + c.kept("RELEASES"), "KV_" + c.kept("KEYS"), "KV_" + c.kept("SECRETS")} {
		before := time.Now()
		stream, err := c.js.Stream(ctx, name)
		if err != nil {
			return []hooks.Finding{hooks.Wrong("NATS streams", "%s: %s", name, err)}
		}
		info := stream.CachedInfo()
		if clock.Name == "" {
			clock = hooks.ClockFinding("NATS clock", before, info.TimeStamp, time.Now())
		}
		if info.Config.Storage != jetstream.FileStorage {
			unsafe = append(unsafe, name)
		}
		if problem := c.replicaProblem(info); problem != "" {
			lacking = append(lacking, name+" "+problem)
		}
	}
	storage := hooks.Fine("NATS streams", "in files")
	if len(unsafe) > 0 {
		storage = hooks.Wrong("NATS streams", "kept in memory, and gone with the server: %s", strings.Join(unsafe, ", "))
	}
	return []hooks.Finding{storage, c.replicaFinding(lacking), clock}
}

func (c *Conn) replicaFinding(lacking []string) hooks.Finding {
	const name = "NATS replicas"
	switch {
	case len(lacking) > 0:
		return hooks.Wrong(name, "%s", strings.Join(lacking, "; "))
	case c.config.Replicas == 1:
		return hooks.Fine(name, "1 of each stream: what a server has goes with its disk")
	}
	return hooks.Fine(name, "%d of each stream", c.config.Replicas)
}

// replicaProblem says what a stream lacks to survive the loss of a server, if it should.
func (c *Conn) replicaProblem(info *jetstream.StreamInfo) string {
	if info.Config.Replicas < c.config.Replicas {
		return fmt.Sprintf("has %d of %d", info.Config.Replicas, c.config.Replicas)
	}
	if info.Cluster == nil {
		return ""
	}
	for _, peer := range info.Cluster.Replicas {
		if peer.Offline || !peer.Current {
			return fmt.Sprintf("has one on %s that is offline or behind", peer.Name)
		}
	}
	return ""
}

// publishFinding publishes an event that the stream refuses to store, as it asks for a position that no stream is at.
func (c *Conn) publishFinding(ctx context.Context) hooks.Finding {
	const name = "NATS publishing"
	ctx, cancel := context.WithTimeout(ctx, permitTimeout)
	defer cancel()
	_, err := c.js.Publish(ctx, c.config.Prefix+".event.doctor.0.doctor.check.after", nil,
		jetstream.WithExpectLastSequence(math.MaxInt64))
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return hooks.Fine(name, "permitted")
	case errors.Is(err, context.DeadlineExceeded):
		return hooks.Wrong(name, "not answered: see that the user may publish to %s.>, and subscribe to _INBOX.>", c.config.Prefix)
	}
	return hooks.Wrong(name, "%v", err)
}

// consumeFinding makes a consumer, which nobody uses, and removes it.
func (c *Conn) consumeFinding(ctx context.Context) hooks.Finding {
	const name = "NATS consuming"
	permitted, cancel := context.WithTimeout(ctx, permitTimeout)
	defer cancel()
	consumer, err := c.js.CreateConsumer(permitted, c.eventStream(), jetstream.ConsumerConfig{
		Description: "a check by the doctor", DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: examineTimeout,
	})
	if err == nil {
		err = c.js.DeleteConsumer(permitted, c.eventStream(), consumer.CachedInfo().Name)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return hooks.Wrong(name, "not answered: see that the user may publish to $JS.API.>")
	case err != nil:
		return hooks.Wrong(name, "%s", err)
	}
	return hooks.Fine(name, "permitted")
}

// syncFinding says what only the operator can look up.
func (c *Conn) syncFinding() hooks.Finding {
	const name = "NATS sync"
	switch {
	case c.config.Embedded:
		return hooks.Fine(name, "embedded: a crash of the machine may lose the last two minutes, one of the process only the last milliseconds of the log")
	case c.config.Replicas > 1:
		return hooks.Fine(name, "no client can see it: several servers have what is acknowledged; if they share their power, see that their configuration has sync_interval: always")
	}
	return hooks.Warning(name, "no client can see it: check that the server's configuration has sync_interval: always; without, a power failure may lose the last two minutes")
}
