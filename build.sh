#!/usr/bin/env bash
# Builds, tests and installs Helix from source. `./build.sh --help` lists what it can do.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"

usage() {
    cat <<'TEXT'
Usage: ./build.sh [COMMAND] [OPTIONS]

Commands:
  (none)       Build the release binary and install it
  dev          The same with a debug build
  quickstart   Build helix, make a project in a fresh folder, run it, write and read through HTTP
  test         Install what the tests need, then run formatting, lints and every test
  generate     Write the emitted Rust of the tests anew, after a change of the emitter or the corpus
  soak         Kill a busy database at random moments, again and again; `./build.sh soak --help`
  bench        Run the benchmarks; `./build.sh bench --help`
  release      Make the archive, checksums and installer that `install.sh` downloads

Options of the installing commands:
  --prefix DIR       Install to DIR/bin (default: ~/.local)
  --target TRIPLE    Build for another target
  --features LIST    Cargo features
  --no-modify-path   Leave the shell's start file alone
  -h, --help         Show this text
TEXT
}

. scripts/lib.sh

case "${1:-}" in
    quickstart | test | generate | soak | bench | release)
        command=$1
        shift
        exec bash "scripts/$command.sh" "$@"
        ;;
    -h | --help)
        usage
        exit 0
        ;;
esac

prefix=$HOME/.local
modify_path=1
cargo_args=(--locked)
while [ $# -gt 0 ]; do
    case "$1" in
        dev) cargo_args+=(--debug) ;;
        --prefix) prefix=${2:?--prefix needs a directory} && shift ;;
        --target) cargo_args+=(--target "${2:?--target needs a triple}") && shift ;;
        --features) cargo_args+=(--features "${2:?--features needs a list}") && shift ;;
        --locked) ;;
        --no-modify-path) modify_path=0 ;;
        -h | --help) usage && exit 0 ;;
        *) fail "unknown argument \`$1\`; see ./build.sh --help" ;;
    esac
    shift
done

require_toolchain
require_c_compiler
mkdir -p "$prefix"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target} cargo install --force --path . --root "$prefix" "${cargo_args[@]}"

bin=$prefix/bin
case ":$PATH:" in
    *":$bin:"*) ;;
    *)
        if [ "$modify_path" = 1 ]; then
            add_to_path "$bin"
        else
            say "add $bin to your PATH to use helix"
        fi
        ;;
esac
say "installed $bin/helix ($("$bin/helix" --version))"
