# shellcheck shell=bash
# The servers that the tests need: installed if missing, started on free ports of the loopback interface, stopped.

servers=()
mysql='' # one of them

# install_missing LOG installs what a bare machine lacks, without starting the services that come with it.
install_missing() {
  local log=$1 packages=()
  type -P gcc >/dev/null || packages+=(gcc libc6-dev) # the race detector needs cgo
  type -P curl >/dev/null || packages+=(curl)
  type -P redis-server >/dev/null || packages+=(redis-server)
  [[ $(postgres_programs) ]] || packages+=(postgresql)
  PATH=$PATH:/usr/sbin type -P mariadbd >/dev/null || packages+=(mariadb-server)
  type -P npm >/dev/null || packages+=(nodejs npm)
  type -P python3 >/dev/null || packages+=(python3)
  if ((${#packages[@]} == 0)); then return; fi
  if ((EUID != 0)); then
    echo "missing, and only root can install them: ${packages[*]}" >&2
    return 1
  fi
  echo "  installing ${packages[*]}"
  run install_unstarted "${packages[@]}" >"$log" 2>&1 || show "$log"
}

# install_unstarted runs in a process of its own, so that its trap is not this script's.
install_unstarted() {
  local policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then # Debian's way to say that a new service is not to be started
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  local apt=(apt-get -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "$@"
}

# postgres_programs prints the folder of the newest PostgreSQL, which Debian keeps out of PATH.
postgres_programs() {
  local found
  found=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1)
  dirname "${found:-$(type -P postgres || true)}" | grep -v '^\.$' || true
}

# start_servers FOLDER starts PostgreSQL, Redis and MariaDB and exports their addresses.
start_servers() {
  chmod 711 "$1" # PostgreSQL runs as another user, who passes through
  start_postgres "$1/postgres" "$1/postgres.log"
  start_redis "$1/redis" "$1/redis.log"
  start_mysql "$1/mysql" "$1/mysql.log"
}

start_postgres() {
  local dir=$1 log=$2 bin port password as=()
  bin=$(postgres_programs) port=$(free_port) password=$(random_word)
  mkdir -m 700 "$dir"
  printf '%s\n' "$password" >"$dir/password"
  if ((EUID == 0)); then # it refuses to run as root
    as=(setpriv --reuid=postgres --regid=postgres --init-groups --)
    chown -R postgres: "$dir"
  fi
  (cd "$dir" && "${as[@]}" "$bin/initdb" -D data -U postgres --pwfile=password --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$log" 2>&1 || show "$log"
  # Tests kill our processes, never the machine: nothing here has to survive a power failure.
  in_group "${as[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories="$dir" -c fsync=off -c max_connections=400 >>"$log" 2>&1
  servers+=($!)
  export GAFF_TEST_POSTGRES_URL="postgres://postgres:$password@127.0.0.1:$port/postgres?sslmode=disable"
  await PostgreSQL $! "$log" env PGPASSWORD="$password" \
    "$bin/psql" -h 127.0.0.1 -p "$port" -U postgres -Atc 'select 1'
}

# start_redis uses the configuration that operators get.
start_redis() {
  local dir=$1 log=$2 port
  port=$(free_port)
  mkdir -m 700 "$dir"
  in_group redis-server deploy/redis.conf --port "$port" --dir "$dir" >"$log" 2>&1
  servers+=($!)
  export GAFF_TEST_REDIS_URL="redis://127.0.0.1:$port"
  await Redis $! "$log" redis-cli -p "$port" ping
}

# start_mysql starts a MariaDB that reads no configuration but this.
start_mysql() {
  local dir=$1 log=$2 port password as=() PATH=$PATH:/usr/sbin
  port=$(free_port) password=$(random_word)
  mkdir -m 700 "$dir"
  if ((EUID == 0)); then # it refuses to run as root
    as=(setpriv --reuid=mysql --regid=mysql --init-groups --)
    chown mysql: "$dir"
  fi
  printf "alter user root@localhost identified by '%s';\ncreate database gaff character set utf8mb4;\n" "$password" >"$dir/init.sql"
  (cd "$dir" && "${as[@]}" mariadb-install-db --no-defaults --datadir="$dir/data" --skip-test-db \
    --auth-root-authentication-method=normal) >"$log" 2>&1 || show "$log"
  # Tests kill our processes, never the machine: nothing here has to survive a power failure.
  in_group "${as[@]}" mariadbd --no-defaults --datadir="$dir/data" --port="$port" --bind-address=127.0.0.1 \
    --socket="$dir/socket" --pid-file="$dir/pid" --init-file="$dir/init.sql" --innodb-flush-log-at-trx-commit=0 \
    --character-set-server=utf8mb4 --max-connections=200 >>"$log" 2>&1
  mysql=$!
  servers+=("$mysql")
  export GAFF_TEST_MYSQL_URL="mysql://root:$password@127.0.0.1:$port/gaff"
  await MariaDB "$mysql" "$log" env MYSQL_PWD="$password" mariadb --no-defaults -h 127.0.0.1 -P "$port" -u root -e 'select 1'
}

# await NAME PID LOG COMMAND... asks until the server answers.
await() {
  local name=$1 pid=$2 log=$3 deadline=$((SECONDS + 60))
  shift 3
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
      echo "$name did not start:" >&2
      show "$log"
    fi
    sleep 0.1
  done
  echo "  $name is up"
}

show() {
  cat "$1" >&2
  exit 1
}

# free_port prints a port that nobody listens on, below those that the kernel hands out to clients.
free_port() {
  local port
  while port=$((10000 + RANDOM % 20000)); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  done
  echo "$port"
}

random_word() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# in_group COMMAND... starts a command in the background as a process group, which a signal can end as a whole.
in_group() {
  set -m
  "$@" </dev/null &
  set +m
}

# end_group PID ends a process group, at first kindly.
end_group() {
  if [[ -z $1 ]] || ! kill -TERM -- "-$1" 2>/dev/null; then return 0; fi
  local deadline=$((SECONDS + 10))
  while kill -0 -- "-$1" 2>/dev/null; do
    if ((SECONDS > deadline)); then kill -KILL -- "-$1" 2>/dev/null || true; fi
    sleep 0.05
  done
}

# stop_servers stops them and waits until they are gone. SIGINT makes PostgreSQL drop its clients first; MariaDB
# ignores it and takes SIGTERM.
stop_servers() {
  local pid
  for pid in "${servers[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  kill -TERM "$mysql" 2>/dev/null || true
  for pid in "${servers[@]}"; do wait "$pid" 2>/dev/null || true; done
}
