#!/usr/bin/env bash
# Long-running checks that are not part of the tests.
set -euo pipefail
. scripts/lib.sh

usage() {
    cat <<'TEXT'
Usage: ./build.sh soak [kill|differential|model] [--rounds N]
       ./build.sh soak fuzz [--minutes N]

kill (the default): kills a busy embedded instance with SIGKILL at random moments, N times (default: 200). After each kill, every acknowledged
write must be there, the database must verify, and `helix start` must bring the instance back. The same while an activation fills
indexes: then it must be as if it had never begun.

differential: N times (default: 50), compiles other random programs and compares each answer with that of the interpreter.

model: N cases (default: 100000) of random programs and data, whose answers a naive evaluator knows.

fuzz: for N minutes (default: 30), changed programs and changed request bodies, both at once: nothing may panic.
TEXT
}

what="kill"
case "${1:-}" in
    kill | differential | model | fuzz)
        what=$1
        shift
        ;;
esac
declare -A usual=([kill]=200 [differential]=50 [model]=100000)
rounds=${usual[$what]:-}
minutes=30
# Other cases each time; the number makes a run repeatable.
seed=${HELIX_SOAK_SEED:-$((RANDOM * 1000000))}
while [ $# -gt 0 ]; do
    case "$1" in
        --minutes) minutes=${2:?--minutes needs a number} && shift ;;
        --rounds) rounds=${2:?--rounds needs a number} && shift ;;
        -h | --help) usage && exit 0 ;;
        *) fail "unknown argument \`$1\`; see ./build.sh soak --help" ;;
    esac
    shift
done

require_toolchain
require_c_compiler
if [ "$what" = kill ]; then
    HELIX_TEST_KILL_ROUNDS=$rounds exec cargo test --locked --test it kill:: -- --nocapture --skip fly::
fi

if [ "$what" = model ]; then
    say "$rounds cases from seed $seed on"
    HELIX_MODEL_SEED=$seed HELIX_MODEL_CASES=$rounds exec cargo test --locked --profile soak --test model -- --nocapture
fi
if [ "$what" = fuzz ]; then
    say "$minutes minutes from seed $seed on"
    HELIX_FUZZ_SEED=$seed HELIX_FUZZ_SECONDS=$((minutes * 60)) exec cargo test --locked --profile soak --test fuzz -- --nocapture
fi

# The programs of the tests are put back, however this ends.
committed=$(mktemp)
cp tests/generated/random.rs "$committed"
trap 'mv "$committed" tests/generated/random.rs' EXIT
for ((round = 0; round < rounds; round++)); do
    at=$((seed + round * 10))
    say "round $((round + 1)) of $rounds: seed $at"
    HELIX_RANDOM_SEED=$at UPDATE_CORPUS=1 cargo test --locked --quiet --test generated the_random_queries
    HELIX_RANDOM_SEED=$at cargo test --locked --quiet --test generated random_programs
done
