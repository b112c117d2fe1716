#!/usr/bin/env bash
# Makes the secrets that compose.yaml reads, in deploy/secrets. Those that exist already stay.
set -euo pipefail
cd "$(dirname "$0")"

word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# The folder is the owner's alone. The files in it are readable, as the programs in the containers are not root.
mkdir -p -m 700 secrets
cd secrets
if [[ -e admin_key ]]; then
  echo "deploy/secrets exists; nothing changed" >&2
  exit
fi
nats=$(word) redis=$(word) postgres=$(word)
printf 'authorization { user: gaff, password: "%s" }\n' "$nats" >nats_authorization
echo "nats://gaff:$nats@nats:4222" >nats_url
echo "requirepass $redis" >redis_authorization
echo "redis://:$redis@redis:6379" >redis_url
printf '%s' "$postgres" >postgres_password
echo "postgres://gaff:$postgres@postgres:5432/gaff?sslmode=disable" >postgres_url
word >admin_key # last: it says that the others are there
chmod 444 ./*
echo "secrets are in deploy/secrets; the admin key is in admin_key" >&2
