#!/usr/bin/env bash
# Long-running checks that are not part of the tests.
set -euo pipefail
. scripts/lib.sh

usage() {
    cat <<'TEXT'
Usage: ./build.sh soak [--rounds N]

Kills a busy embedded instance with SIGKILL at random moments, N times (default: 200). After each kill, every acknowledged
write must be there, the database must verify, and `helix start` must bring the instance back. The same while an activation fills
indexes: then it must be as if it had never begun.
TEXT
}

rounds=200
while [ $# -gt 0 ]; do
    case "$1" in
        --rounds) rounds=${2:?--rounds needs a number} && shift ;;
        -h | --help) usage && exit 0 ;;
        *) fail "unknown argument \`$1\`; see ./build.sh soak --help" ;;
    esac
    shift
done

require_toolchain
require_c_compiler
HELIX_TEST_KILL_ROUNDS=$rounds cargo test --locked --test kill -- --nocapture
