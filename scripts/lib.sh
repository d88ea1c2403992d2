# Shared by the scripts of this folder; sourced, never run. Expects bash and the working directory at the project root.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The oldest Rust that builds the workspace.
minimum_rust() { sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml; }

# Fails with the next step unless cargo is there and new enough.
require_toolchain() {
    if [ -d "$HOME/.cargo/bin" ]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    have cargo || fail "cargo was not found: install Rust from https://rustup.rs, then run this again"
    local need have_version
    need=$(minimum_rust)
    have_version=$(rustc --version | cut -d' ' -f2)
    if [ "$(printf '%s\n%s\n' "$need" "$have_version" | sort -V | head -n1)" != "$need" ]; then
        fail "Rust $need or newer is needed, found $have_version: run \`rustup update\`, then run this again"
    fi
}

# The store is a C library, so that a C compiler is needed to build it.
require_c_compiler() {
    if ! have cc; then
        apt_install gcc libc6-dev
    fi
}

# Installs Debian packages, as root or through sudo; fails with the names where neither works.
apt_install() {
    have apt-get || fail "please install: $*"
    local sudo=()
    if [ "$(id -u)" != 0 ]; then
        have sudo || fail "please install as root: apt-get install $*"
        sudo=(sudo)
    fi
    say "installing $*"
    local log
    log=$(mktemp)
    if ! { "${sudo[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1; then
        cat "$log" >&2
        fail "apt-get could not install $*"
    fi
    rm -f "$log"
}

# Puts a folder on the PATH of the current shell's start file, once.
add_to_path() {
    local bin=$1 file line
    # shellcheck disable=SC2016 # $PATH is for the shell that reads the start file.
    line="export PATH=\"$bin:\$PATH\""
    case "$(basename "${SHELL:-sh}")" in
        zsh) file=${ZDOTDIR:-$HOME}/.zshrc ;;
        bash) file=$HOME/.bashrc ;;
        *) file=$HOME/.profile ;;
    esac
    if ! grep -qsF "$line" "$file"; then
        printf '%s\n' "$line" >>"$file"
        say "added $bin to PATH in $file: open a new shell to use it"
    fi
}
