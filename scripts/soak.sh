#!/usr/bin/env bash
# Long-running checks that are not part of the tests.
set -euo pipefail
. scripts/lib.sh

usage() {
    cat <<'TEXT'
Usage: ./build.sh soak [kill|differential] [--rounds N]

kill (the default): kills a busy embedded instance with SIGKILL at random moments, N times (default: 200). After each kill, every acknowledged
write must be there, the database must verify, and `helix start` must bring the instance back. The same while an activation fills
indexes: then it must be as if it had never begun.

differential: N times (default: 50), compiles other random programs and compares each answer with that of the interpreter.
TEXT
}

what="kill"
case "${1:-}" in
    kill | differential)
        what=$1
        shift
        ;;
esac
rounds=200
[ "$what" = kill ] || rounds=50
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
if [ "$what" = kill ]; then
    HELIX_TEST_KILL_ROUNDS=$rounds exec cargo test --locked --test kill -- --nocapture
fi

# The programs of the tests are put back, however this ends.
committed=$(mktemp)
cp tests/generated/random.rs "$committed"
trap 'mv "$committed" tests/generated/random.rs' EXIT
first=$((RANDOM * 1000))
for ((round = 0; round < rounds; round++)); do
    seed=$((first + round * 10))
    say "round $((round + 1)) of $rounds: seed $seed"
    HELIX_RANDOM_SEED=$seed UPDATE_CORPUS=1 cargo test --locked --quiet --test generated the_random_queries
    HELIX_RANDOM_SEED=$seed cargo test --locked --quiet --test generated random_programs
done
