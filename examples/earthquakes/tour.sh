#!/usr/bin/env bash
# The quick tour of the README, step by step, checking what each step answers. It needs a running `gaff dev`:
#
#   gaff dev examples/earthquakes    in one terminal
#   examples/earthquakes/tour.sh     in another
#
# With the folder of another copy of this project as argument it edits that one, for a `gaff dev` which serves it.
# GAFF_URL is the server (default http://127.0.0.1:8090), GAFF the command line tool (default: built from here).
# shellcheck disable=SC2016 # the dollars are operators of the query language
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=${1:-$here}
export GAFF_URL=${GAFF_URL:-http://127.0.0.1:8090}
scratch=$(mktemp -d)
cp "$project/gaff.yaml" "$project/hooks/earthquake.js" "$scratch"

id='' status='' body=''

# Whatever happens, what the tour has edited and created is taken back.
finish() {
  cp "$scratch/gaff.yaml" "$project/gaff.yaml"
  cp "$scratch/earthquake.js" "$project/hooks/earthquake.js"
  if [[ $id ]]; then curl -sS -o /dev/null -X DELETE "$GAFF_URL/rest/earthquake/$id" || true; fi
  rm -rf "$scratch"
}
trap finish EXIT

gaff() {
  if [[ ${GAFF-} ]]; then "$GAFF" "$@"; else go -C "$here" run ../../cmd/gaff "$@"; fi
}

# ask METHOD PATH [CURL ARGUMENT...] sends a request and keeps its status and body.
ask() {
  local method=$1 path=$2
  shift 2
  status=$(curl -sS -X "$method" -H 'Content-Type: application/json' -o "$scratch/body" -w '%{http_code}' "$@" "$GAFF_URL$path")
  body=$(cat "$scratch/body")
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect STATUS TEXT... fails unless the last answer has that status and each text in its body.
expect() {
  [[ $status == "$1" ]] || fail "status $status instead of $1: $body"
  shift
  local text
  for text in "$@"; do [[ $body == *"$text"* ]] || fail "no $text in: $body"; done
}

# eventually WHAT COMMAND... asks until the command succeeds, for at most a minute.
eventually() {
  local what=$1 deadline=$((SECONDS + 60))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || fail "not within 60 s: $what"
    sleep 0.2
  done
  echo "  $what"
}

# edit FILE FROM TO replaces text in a file of the project, at once, as editors do.
edit() {
  local text
  text=$(cat "$project/$1")
  [[ $text == *"$2"* ]] || fail "no $2 in $1"
  printf '%s\n' "${text/"$2"/"$3"}" >"$scratch/new"
  cp "$scratch/new" "$project/.new"
  mv "$project/.new" "$project/$1"
}

quake='{"time": "2018-02-07T02:38:32.660Z", "magnitude": 2.1, "latitude": 34.4, "longitude": -116.9, "depth": 5.2,
  "place": "8km NNE of Big Bear, CA"}'

echo 'create: the before hook derives fields'
ask POST /rest/earthquake -d "$quake"
expect 201 '"_id":"' '"region":"California"' '"class":"micro"' '"energy":'
id=$(sed -E 's/.*"_id":"([^"]+)".*/\1/' <<<"$body")
echo "  $id is in California, class micro"

echo 'after hook: a second collection follows'
summarized() { ask GET /rest/region/california && [[ $body == *"$1"* ]]; }
eventually "it is California's latest" summarized "\"latest\":{\"_id\":\"$id\""

echo 'rejected create: the answer names hook and fields'
ask POST /rest/earthquake -d '{"magnitude": 42}'
expect 400 '"code":"VALIDATION"' '"hook":"earthquake.beforePOST"' '"field":"magnitude"' '"field":"place"'
echo "  $body"

echo 'query: real records, the strongest first'
echo "  $("$here/load.sh")"
ask GET /rest/earthquake -G --data-urlencode 'q={"magnitude":{"$gte":2}}' \
  --data-urlencode 'h={"$orderby":{"magnitude":-1},"$max":5}'
expect 200 '"place":"22km NNE of Hualian, Taiwan"'
[[ $body == '[{'*'"magnitude":6.4,'* ]] || fail "the strongest is not the first: $body"
echo "  6.4, 22km NNE of Hualian, Taiwan"
eventually "California's strongest is known" summarized '"strongest":{"_id":"nc72963436","magnitude":4.33,'

echo 'hot edit: a saved script is live, a broken one is not'
reworded() { ask POST /rest/earthquake -d '{"magnitude": 42}' && [[ $body == *"$1"* ]]; }
edit hooks/earthquake.js 'must be a number from' 'has to lie between'
eventually 'the new text answers' reworded 'has to lie between'
edit hooks/earthquake.js 'function validate(quake) {' 'function validate(quake) { const = ;'
if problems=$(gaff check "$project" 2>&1); then fail 'gaff check accepts a broken script'; fi
[[ $problems == *hooks/earthquake.js:*:*:* ]] || fail "gaff check says no file, line and column: $problems"
echo "  ${problems%%$'\n'*}"
reworded 'has to lie between' || fail "the last good script does not answer: $body"
cp "$scratch/earthquake.js" "$project/hooks/earthquake.js"
eventually 'mended' reworded 'must be a number from'

echo 'job: the report, for now every two seconds'
edit gaff.yaml '"@every 1m"' '"@every 2s"'
reported() { gaff logs -o json >"$scratch/log" && grep '"kind":"job"' "$scratch/log" | grep -q 'strongest: 6.4 mww'; }
eventually 'the report is in the log' reported
grep '"kind":"job"' "$scratch/log" | sed -nE 's/.*"end":"([^"]*strongest[^"]*)".*/  \1/p' | tail -n 1

echo 'log: every run left a record'
gaff logs -o json --hook earthquake --status rejected >"$scratch/log"
grep -q '"function":"beforePOST"' "$scratch/log" || fail "no record of the rejected create: $(head -c 2000 "$scratch/log")"
echo "  $(wc -l <"$scratch/log") rejected creates"
echo 'the tour is complete'
