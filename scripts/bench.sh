#!/usr/bin/env bash
# Benchmarks: never part of the tests, always of a release build.
set -euo pipefail
. scripts/lib.sh

usage() {
    cat <<'TEXT'
Usage: ./build.sh bench [engine|http|recall|text|scale]

  engine   Criterion, in process: what a request costs without the network
  http     Load over loopback with 1 and 16 connections, beside an answer that costs nothing
  recall   Recall and speed of vector search at the default settings, over 100 000 vectors
  text     Text search over 20 000 and 200 000 documents: filling the index, searches, writes
  scale    A graph of 1 000 000 nodes and 5 000 000 edges: loading, scans, hops, shortest paths; checking 1 000 queries
  (none)   The first two
TEXT
}

require_toolchain
require_c_compiler
case "${1:-all}" in
    engine) cargo bench --locked --bench engine ;;
    http) cargo run --release --locked --example load ;;
    recall | text | scale)
        example=$1
        shift
        cargo run --release --locked --example "$example" -- "$@"
        ;;
    all)
        cargo bench --locked --bench engine
        cargo run --release --locked --example load
        ;;
    -h | --help) usage ;;
    *) fail "unknown argument \`$1\`; see ./build.sh bench --help" ;;
esac
