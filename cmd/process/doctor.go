package process

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/dustin/go-humanize"

	"gaff/hooks"
	"gaff/tasks"
)

// doctor has every part examine what it stands on, all at once.
func (p *Parts) doctor(redis tasks.Redis) func(context.Context) []hooks.Finding {
	examine := []func(context.Context) []hooks.Finding{p.Conn.Doctor, redis.Doctor, p.Store.Doctor, p.Config.doctor, p.servicesFindings}
	if p.Config.Embedded {
		examine[1] = func(context.Context) []hooks.Finding {
			return []hooks.Finding{hooks.Fine("Redis durability", "embedded: it forgets waiting jobs when the process ends; schedules go on")}
		}
	}
	return func(ctx context.Context) []hooks.Finding {
		findings := make([][]hooks.Finding, len(examine))
		var all sync.WaitGroup
		for i, ask := range examine {
			all.Go(func() { findings[i] = ask(ctx) })
		}
		all.Wait()
		return slices.Concat(findings...)
	}
}

// doctor examines what the process itself was given.
func (c *Config) doctor(context.Context) []hooks.Finding {
	findings := []hooks.Finding{c.secretsFinding()}
	if c.AdminKey != "" {
		findings = append(findings, adminKeyFinding(c.AdminKey))
	}
	if c.SQLitePath != "" {
		findings = append(findings, diskFinding(filepath.Dir(c.SQLitePath)))
	}
	return findings
}

func (c *Config) secretsFinding() hooks.Finding {
	const name = "secrets key"
	if c.Vault == nil {
		return hooks.Warning(name, "there is none, so that apps can have no secrets: set GAFF_SECRETS_KEY_FILE for every process")
	}
	return hooks.Fine(name, "present")
}

// Bits of an admin key, were it chosen at random: fewer than weakBits can be guessed, goodBits never.
const (
	weakBits = 48
	goodBits = 100
)

func adminKeyFinding(key string) hooks.Finding {
	const name = "admin key"
	const remedy = "make one with openssl rand -hex 32"
	switch bits := strength(key); {
	case bits < weakBits:
		return hooks.Wrong(name, "it can be guessed: %s", remedy)
	case bits < goodBits:
		return hooks.Warning(name, "it could be longer: %s", remedy)
	}
	return hooks.Fine(name, "strong")
}

// strength is how many bits the characters of a key can have together at most, judged by how often each comes: a
// repeated character says little.
func strength(key string) float64 {
	times := map[rune]float64{}
	var n float64
	for _, c := range key {
		times[c]++
		n++
	}
	var bits float64
	for _, t := range times {
		bits += t * math.Log2(n/t)
	}
	return bits
}

// Free bytes of a disk: with fewer than leastDisk writes are about to fail.
const (
	leastDisk = 256 << 20
	lowDisk   = 1 << 30
)

func diskFinding(dir string) hooks.Finding {
	const name = "disk space"
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return hooks.Wrong(name, "%s: %s", dir, err)
	}
	return freeFinding(name, dir, disk.Bavail*uint64(disk.Bsize))
}

func freeFinding(name, dir string, free uint64) hooks.Finding {
	shown := humanize.IBytes(free)
	switch {
	case free < leastDisk:
		return hooks.Wrong(name, "%s free in %s: make room, at least %s", shown, dir, humanize.IBytes(leastDisk))
	case free < lowDisk:
		return hooks.Warning(name, "%s free in %s", shown, dir)
	}
	return hooks.Fine(name, "%s free in %s", shown, dir)
}
