#!/usr/bin/env bash
# Makes the images that tests build in and run on, where no public registry can be reached: a builder with the toolchain of
# this machine and cargo-chef, and a runtime of nothing but Debian's smallest system. `[build] builder_image` and
# `runtime_image` name them. What is there already is kept; another toolchain makes another builder.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: scripts/base-images.sh [--force]

Makes helix-test-builder:local and helix-test-runtime:local in the container runtime that `docker` talks to.
Needs root (debootstrap), docker, cargo and a Debian mirror.

Options:
  --force      Make them anew
  -h, --help   Show this text
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

force=0
while [ $# -gt 0 ]; do
    case "$1" in
        --force) force=1 ;;
        -h | --help) usage && exit 0 ;;
        *) fail "unknown argument \`$1\`; see scripts/base-images.sh --help" ;;
    esac
    shift
done

require_toolchain
have docker || fail "the docker client was not found: bash scripts/dockerd.sh"
docker version >/dev/null 2>&1 || fail "no docker daemon answers: bash scripts/dockerd.sh"

suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:?no Debian release}")
rust=$(rustc --version | cut -d' ' -f2)
builder=helix-test-builder:$suite-rust-$rust
runtime=helix-test-runtime:$suite
tools=${CARGO_TARGET_DIR:-target}/base-images
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)

is_there() { [ "$force" = 0 ] && docker image inspect "$1" >/dev/null 2>&1; }

# The first mirror that this machine's own package sources name.
mirror() {
    local found
    found=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n1)
    [ -n "$found" ] || found=$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*\) .*/\2/p' /etc/apt/sources.list 2>/dev/null | head -n1)
    printf '%s' "${found:-http://deb.debian.org/debian}"
}

# rootfs DIR PACKAGES: a system with the packages and without what only people read.
rootfs() {
    say "making a root file system with $2"
    debootstrap --variant=minbase --include="$2" "$suite" "$1" "$(mirror)" >"$tools/debootstrap.log" 2>&1 ||
        fail "debootstrap failed: $tools/debootstrap.log"
    rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/* "$1"/usr/share/doc/* "$1"/usr/share/man/* \
        "$1"/usr/share/locale/* "$1"/var/cache/ldconfig/* "$1"/tmp/*
}

# import DIR IMAGE CHANGE...: the same files give the same layer.
import() {
    local dir=$1 image=$2 changes=() change
    shift 2
    for change in "$@"; do changes+=(-c "$change"); done
    tar -C "$dir" --sort=name --mtime=@0 --numeric-owner --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* -c . |
        docker import "${changes[@]}" - "$image" >/dev/null
    say "made $image"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

is_there "$runtime" && is_there "$builder" || have debootstrap || apt_install debootstrap

if ! is_there "$runtime"; then
    rootfs "$scratch/runtime" ca-certificates,tzdata
    import "$scratch/runtime" "$runtime" 'CMD ["/bin/sh"]'
fi

if ! is_there "$builder"; then
    # Built on a system of the same release, so that it runs on it.
    [ -x "$tools/bin/cargo-chef" ] || CARGO_TARGET_DIR=$tools/chef cargo install --locked --root "$tools" cargo-chef
    rootfs "$scratch/builder" ca-certificates,gcc,libc6-dev,tzdata
    sysroot=$(rustc --print sysroot)
    mkdir -p "$scratch/builder/opt/rust" "$scratch/builder/usr/local/cargo/bin"
    cp -a "$sysroot/bin" "$sysroot/lib" "$scratch/builder/opt/rust/"
    rm -rf "$scratch/builder/opt/rust/lib/rustlib/src"
    cp "$tools/bin/cargo-chef" "$scratch/builder/usr/local/cargo/bin/"
    import "$scratch/builder" "$builder" \
        'ENV PATH=/usr/local/cargo/bin:/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENV CARGO_HOME=/usr/local/cargo' 'CMD ["/bin/sh"]'
fi

docker tag "$runtime" helix-test-runtime:local
docker tag "$builder" helix-test-builder:local
say "helix-test-builder:local ($builder), helix-test-runtime:local ($runtime)"
