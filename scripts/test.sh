#!/usr/bin/env bash
# Every check that a change must pass: installs what is missing, then formatting, lints, scripts, docs and all tests.
# Arguments are handed to nextest, e.g. `./build.sh test -E 'test(corpus)'`.
set -euo pipefail
. scripts/lib.sh

# What only a second build would use: gigabytes, and time to write them.
if [ "${CI:-}" = true ]; then export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}; fi

step() { printf '\n== %s\n' "$*"; }

step "tools"
# A first run writes about 11 GiB: 5 below target, the rest with docker.
say "$(df -Ph . | awk 'NR == 2 { print $4 }') of disk are free"
require_toolchain
packages=()
have cc || packages+=(gcc libc6-dev)
have curl || packages+=(curl ca-certificates)
have shellcheck || packages+=(shellcheck)
have node || packages+=(nodejs)
have npm || packages+=(npm)
if [ "${CI:-}" = true ]; then
    have docker-compose || packages+=(docker-compose)
fi
if ! python3 -c 'import ensurepip' >/dev/null 2>&1; then packages+=(python3 python3-venv); fi
[ ${#packages[@]} -eq 0 ] || apt_install "${packages[@]}"
cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
if ! cargo nextest --version >/dev/null 2>&1; then
    say "building cargo-nextest"
    cargo install --locked cargo-nextest
fi
bash scripts/test-packages.sh

step "format"
cargo fmt --all --check

step "scripts"
shellcheck -x build.sh scripts/*.sh .ci/run
shellcheck -s sh install.sh

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "containers"
# Tests of containers skip where no daemon answers; in CI that is a failure.
if [ "${CI:-}" = true ]; then export HELIX_REQUIRE_DOCKER=1; fi
if ! { bash scripts/dockerd.sh && bash scripts/base-images.sh; }; then
    [ -z "${HELIX_REQUIRE_DOCKER:-}" ] || fail "the tests of containers need a docker daemon"
    say "tests of containers are skipped"
fi

step "tests"
cargo nextest run --workspace --locked "$@"

step "documentation"
cargo test --workspace --doc --locked --quiet
