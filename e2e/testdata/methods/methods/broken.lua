return redis.call('INCR', 'a', 'b')
