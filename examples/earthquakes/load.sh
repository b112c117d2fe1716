#!/usr/bin/env bash
# Creates the records of data/earthquakes.ndjson, over one connection. Those that exist already stay as they are.
set -euo pipefail
url=${GAFF_URL:-http://127.0.0.1:8090}

# requests writes one request for each line, as curl's configuration has them.
requests() {
  local line
  while read -r line; do
    line=${line//\\/\\\\}
    printf 'next\nurl = "%s/rest/earthquake"\nheader = "Content-Type: application/json"\ndata = "%s"\n' \
      "$url" "${line//\"/\\\"}"
    printf 'output = /dev/null\nwrite-out = "%%{http_code}\\n"\n'
  done <"$(dirname "$0")/data/earthquakes.ndjson" | sed 1d
}

statuses=$(curl -sS --config <(requests) | sort | uniq -c | awk '{ print $2 ": " $1 }')
created=$(sed -n 's/^201: //p' <<<"$statuses") existed=$(sed -n 's/^409: //p' <<<"$statuses")
echo "created ${created:-0}, existed already ${existed:-0}"
if rest=$(grep -vE '^(201|409): ' <<<"$statuses"); then
  echo "unexpected answers by status: $rest" >&2
  exit 1
fi
