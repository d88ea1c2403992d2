#!/usr/bin/env bash
# Writes the emitted Rust of the tests and benchmarks anew, also where what is there no longer compiles: the lists of programs are
# emptied first. What is written is then compiled, and compared with the interpreter.
set -euo pipefail
. scripts/lib.sh

case "${1:-}" in
    "") ;;
    -h | --help)
        printf '%s\n' "Usage: ./build.sh generate" "" "Writes tests/generated/ and benches/engine/queries.rs anew, and tests them."
        exit 0
        ;;
    *) fail "unknown argument \`$1\`; see ./build.sh generate --help" ;;
esac

require_toolchain
folder=tests/generated
printf '%s\n' 'pub const FOLDERS: &[(&str, &[(&str, helix_engine::compiled::Queries)])] = &[];' >$folder/queries/mod.rs
printf '%s\n' 'pub const PROGRAMS: &[(&str, helix_engine::compiled::Queries)] = &[];' >$folder/random.rs
UPDATE_CORPUS=1 cargo test --locked --quiet --test generated -- are_current
cargo test --locked --quiet --test generated
git --no-pager diff --stat -- $folder benches/engine/queries.rs
