return redis.call('ZREVRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)
