#!/usr/bin/env bash
# Makes the secrets that compose.yaml reads, in deploy/secrets. Those that exist already stay.
set -euo pipefail
cd "$(dirname "$0")"

# word BYTES prints as many random bytes as hexadecimal digits.
word() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# The folder is the owner's alone. The files in it are readable, as the programs in the containers are not root.
mkdir -p -m 700 secrets
cd secrets
if [[ ! -e secrets_key ]]; then # whoever loses it loses the secrets of all apps
  word 32 >secrets_key.new
  chmod 444 secrets_key.new
  mv secrets_key.new secrets_key
  echo "deploy/secrets/secrets_key is made: keep a copy" >&2
fi
if [[ -e admin_key ]]; then
  echo "deploy/secrets exists; nothing else changed" >&2
  exit
fi
nats=$(word 24) redis=$(word 24) postgres=$(word 24)
printf 'authorization { user: gaff, password: "%s" }\n' "$nats" >nats_authorization
echo "nats://gaff:$nats@nats:4222" >nats_url
echo "requirepass $redis" >redis_authorization
echo "redis://:$redis@redis:6379" >redis_url
printf '%s' "$postgres" >postgres_password
echo "postgres://gaff:$postgres@postgres:5432/gaff?sslmode=disable" >postgres_url
word 24 >admin_key # last: it says that the others are there
chmod 444 ./*
echo "secrets are in deploy/secrets; the admin key is in admin_key" >&2
