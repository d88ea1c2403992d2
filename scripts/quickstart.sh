#!/usr/bin/env bash
# The main job, start to end: builds helix, makes a project in a fresh folder, pushes it to the embedded runtime, writes and
# reads through HTTP, says what it did and what to try next.
#
# HELIX_BIN: use this binary instead of building one. QUICKSTART_DIR: the folder, which must not exist or be empty.
set -euo pipefail
. scripts/lib.sh

if [ -n "${HELIX_BIN:-}" ]; then
    helix=$HELIX_BIN
else
    require_toolchain
    require_c_compiler
    have curl || apt_install curl ca-certificates
    say "building helix (the first time takes some minutes)"
    cargo build --release --locked --bin helix
    helix=${CARGO_TARGET_DIR:-$PWD/target}/release/helix
fi

if [ -n "${QUICKSTART_DIR:-}" ]; then
    project=$QUICKSTART_DIR
    mkdir -p "$project"
    [ -z "$(ls -A "$project")" ] || fail "$project is not empty"
else
    project=$(mktemp -d)/quickstart
    mkdir "$project"
fi
cd "$project"

# A second quickstart, or another server on the default port, must not stand in the way.
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}
run() {
    printf '\n$ helix %s\n' "$*"
    "$helix" "$@"
}

run init
run push dev --port auto
url=$("$helix" status dev --json | sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' | head -n1)
[ -n "$url" ] || fail "the instance has no address"
run query dev --list
for user in '{"name":"Ann","email":"ann@example.com","age":31}' '{"name":"Bo","email":"bo@example.com","age":28}'; do
    show curl --fail-with-body -sS -X POST "$url/add_user" -H 'Content-Type: application/json' -d "$user"
    echo
done
show curl --fail-with-body -sS -X POST "$url/follow" -H 'Content-Type: application/json' -d '{"follower":"ann@example.com","followed":"bo@example.com"}'
echo
show curl --fail-with-body -sS -X POST "$url/followers" -H 'Content-Type: application/json' -d '{"email":"bo@example.com"}'
echo

cat <<TEXT

The project is in $project, its database answers at $url.
To go on:
  cd $project
  $helix dev                    # edit db/*.hx: each save is live at once (stop the instance first: helix stop dev)
  $helix logs dev               # what the instance wrote
  $helix stop dev               # the data stays
  $helix delete dev --yes       # the data goes
TEXT
