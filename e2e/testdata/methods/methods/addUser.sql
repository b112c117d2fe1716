insert into users (id, email, last_seen) values ($1, $2, now() - ($3 || ' days')::interval)
