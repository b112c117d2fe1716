SELECT id, email FROM users WHERE last_seen > NOW() - ($1 || ' days')::interval
