package syntax

import (
	"strconv"
	"strings"
)

// Command is what is known of a Redis command that methods may use.
type Command struct {
	Writes bool
	// Where its arguments have keys, counted from 1: first, last (from the end if negative; 0: none) and the step between
	// them. count, if not 0, is where the number of keys stands that follow it.
	first, last, step, count int
}

// commands are the data commands of Redis, by how their keys stand. Left out, and so closed, is what rules the server or
// sees other clients (CONFIG, DEBUG, CLIENT, FLUSHALL, …), holds it up (KEYS, SORT), waits (BLPOP, XREAD, …), listens
// (SUBSCRIBE, …), runs scripts (EVAL, FCALL, SCRIPT) or belongs to a connection (SELECT, MULTI, WATCH, …).
var commands = []struct {
	Command
	names string
}{
	{Command{}, "DBSIZE RANDOMKEY SCAN TIME PING ECHO"},
	{Command{first: 1, last: -1, step: 1}, "EXISTS MGET PFCOUNT SDIFF SINTER SUNION TOUCH"},
	{Command{first: 1, last: 1, step: 1}, "BITCOUNT BITFIELD_RO BITPOS DUMP EXPIRETIME GEODIST GEOHASH GEOPOS " +
		"GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET HRANDFIELD " +
		"HSCAN HSTRLEN HVALS LINDEX LLEN LPOS LRANGE PEXPIRETIME PTTL SCARD SISMEMBER SMEMBERS SMISMEMBER SRANDMEMBER " +
		"SSCAN STRLEN SUBSTR TTL TYPE XLEN XPENDING XRANGE XREVRANGE ZCARD ZCOUNT ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE " +
		"ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE"},
	{Command{first: 1, last: 2, step: 1}, "LCS"},
	{Command{count: 1}, "SINTERCARD ZDIFF ZINTER ZINTERCARD ZUNION"},
	{Command{Writes: true, count: 1}, "LMPOP ZMPOP"},
	{Command{Writes: true, first: 1, last: -1, step: 1}, "DEL PFMERGE SDIFFSTORE SINTERSTORE SUNIONSTORE UNLINK"},
	{Command{Writes: true, first: 1, last: -1, step: 2}, "MSET MSETNX"},
	{Command{Writes: true, first: 1, last: 1, step: 1}, "APPEND BITFIELD DECR DECRBY EXPIRE EXPIREAT GEOADD GETDEL GETEX " +
		"GETSET HDEL HINCRBY HINCRBYFLOAT HMSET HSET HSETNX INCR INCRBY INCRBYFLOAT LINSERT LPOP LPUSH LPUSHX LREM LSET LTRIM " +
		"PERSIST PEXPIRE PEXPIREAT PFADD PSETEX RPOP RPUSH RPUSHX SADD SET SETBIT SETEX SETNX SETRANGE SPOP SREM XACK XADD " +
		"XAUTOCLAIM XCLAIM XDEL XTRIM ZADD ZINCRBY ZPOPMAX ZPOPMIN ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE"},
	{Command{Writes: true, first: 1, last: 1, step: 1, count: 2}, "ZDIFFSTORE ZINTERSTORE ZUNIONSTORE"},
	{Command{Writes: true, first: 1, last: 2, step: 1}, "GEOSEARCHSTORE LMOVE RENAME RENAMENX RPOPLPUSH SMOVE ZRANGESTORE"},
	{Command{Writes: true, first: 2, last: -1, step: 1}, "BITOP"},
}

// RedisCommand returns what is known of a command, in whatever case, and false if it is closed to methods.
func RedisCommand(name string) (Command, bool) {
	name = strings.ToUpper(name)
	for _, group := range commands {
		for known := range strings.SplitSeq(group.names, " ") {
			if known == name {
				return group.Command, true
			}
		}
	}
	return Command{}, false
}

// Keys returns the arguments that are keys. Those of a command that is written wrong are left out: Redis refuses it.
func (c Command) Keys(args []string) []string {
	var keys []string
	last := c.last
	if last < 0 {
		last += len(args) + 1
	}
	for i := c.first; c.first > 0 && i <= last && i <= len(args); i += c.step {
		keys = append(keys, args[i-1])
	}
	if c.count > 0 && c.count <= len(args) {
		n, err := strconv.Atoi(args[c.count-1])
		for i := c.count; err == nil && i < len(args) && i < c.count+n; i++ {
			keys = append(keys, args[i])
		}
	}
	return keys
}
