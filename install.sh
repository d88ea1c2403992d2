#!/bin/sh
# Installs the helix binary: downloads, verifies, places. POSIX sh; needs curl or wget, tar, and sha256sum or shasum.
set -eu

# Where releases are served; filled in when a release is made. HELIX_DOWNLOAD_BASE names a mirror.
default_base=''

usage() {
    cat <<'TEXT'
Install helix.

Usage: install.sh [OPTIONS]

Options:
      --version X        Install version X (default: the latest)
  -d, --dir DIR          Install to DIR (default: ~/.local/bin)
  -s, --system           Install to /usr/local/bin (needs root)
  -f, --force            Install even if that version is installed
      --no-modify-path   Leave the shell's start file alone
      --no-verify        Skip the checksum (not recommended)
      --dry-run          Say what would be done, change nothing
      --uninstall        Remove the binary
      --quiet            Print errors only
  -h, --help             Show this text

Environment:
  HELIX_DOWNLOAD_BASE    Address of a mirror of the release folder
  HELIX_INSTALL_DIR, HELIX_INSTALL_VERSION, HELIX_INSTALL_NO_MODIFY_PATH   As the options
TEXT
}

say() { [ "$quiet" = 1 ] || printf '%s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# download URL FILE: fails on any HTTP error and on a cut transfer.
download() {
    if have curl; then
        curl --fail --silent --show-error --location --retry 2 --output "$2" "$1"
    elif have wget; then
        wget --quiet --tries=3 --output-document="$2" "$1"
    else
        fail "curl or wget is needed"
    fi || fail "cannot download $1"
}

sha256_of() {
    if have sha256sum; then
        sha256sum "$1"
    elif have shasum; then
        shasum -a 256 "$1"
    else
        fail "sha256sum or shasum is needed to verify the download"
    fi | cut -d' ' -f1
}

add_to_path() {
    case "${SHELL:-}" in
        */zsh) start_file=${ZDOTDIR:-$HOME}/.zshrc ;;
        */bash) start_file=$HOME/.bashrc ;;
        *) start_file=$HOME/.profile ;;
    esac
    line="export PATH=\"$1:\$PATH\""
    if ! grep -qsF "$line" "$start_file"; then
        printf '%s\n' "$line" >>"$start_file"
        say "added $1 to PATH in $start_file: open a new shell to use it"
    fi
}

# Everything runs from here, so that a cut download of this script runs nothing.
main() {
    version=${HELIX_INSTALL_VERSION:-}
    dir=${HELIX_INSTALL_DIR:-$HOME/.local/bin}
    modify_path=1
    [ -z "${HELIX_INSTALL_NO_MODIFY_PATH:-}" ] || modify_path=0
    quiet=0 force=0 verify=1 dry_run=0 uninstall=0
    while [ $# -gt 0 ]; do
        case "$1" in
            --version) [ $# -gt 1 ] || fail "--version needs a value" && version=$2 && shift ;;
            -d | --dir) [ $# -gt 1 ] || fail "--dir needs a value" && dir=$2 && shift ;;
            -s | --system) dir=/usr/local/bin && modify_path=0 ;;
            -f | --force) force=1 ;;
            --no-modify-path) modify_path=0 ;;
            --no-verify) verify=0 ;;
            --dry-run) dry_run=1 ;;
            --uninstall) uninstall=1 ;;
            --quiet) quiet=1 ;;
            -h | --help) usage && exit 0 ;;
            *) fail "unknown option $1; see --help" ;;
        esac
        shift
    done
    target=$dir/helix

    if [ "$uninstall" = 1 ]; then
        [ -e "$target" ] || fail "$target does not exist"
        [ "$dry_run" = 1 ] || rm -f "$target"
        say "removed $target; projects and their data are untouched"
        exit 0
    fi

    base=${HELIX_DOWNLOAD_BASE:-$default_base}
    base=${base%/}
    [ -n "$base" ] || fail "no download address: set HELIX_DOWNLOAD_BASE to where the releases are served"

    case "$(uname -s)" in
        Linux) ;;
        *) fail "there is no prebuilt helix for $(uname -s): build it from source with ./build.sh" ;;
    esac
    case "$(uname -m)" in
        x86_64 | amd64) arch=x86_64 ;;
        aarch64 | arm64) arch=aarch64 ;;
        *) fail "there is no prebuilt helix for $(uname -m): build it from source with ./build.sh" ;;
    esac

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    if [ -z "$version" ]; then
        download "$base/latest" "$work/latest"
        version=$(head -n1 "$work/latest")
    fi
    version=${version#v}
    case "$version" in
        '' | *[!0-9A-Za-z.+-]*) fail "\`$version\` is not a version" ;;
    esac

    installed=$("$target" --version 2>/dev/null | awk '{print $2}' || true)
    if [ "$installed" = "$version" ] && [ "$force" = 0 ]; then
        say "helix $version is already installed at $target"
        exit 0
    fi

    archive=helix-$version-$arch-unknown-linux.tar.gz
    say "downloading $base/v$version/$archive"
    if [ "$dry_run" = 1 ]; then
        say "would install helix $version to $target"
        exit 0
    fi
    download "$base/v$version/$archive" "$work/$archive"

    if [ "$verify" = 1 ]; then
        download "$base/v$version/SHA256SUMS" "$work/SHA256SUMS"
        expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name {print $1}' "$work/SHA256SUMS")
        [ -n "$expected" ] || fail "SHA256SUMS does not list $archive"
        found=$(sha256_of "$work/$archive")
        [ "$found" = "$expected" ] || fail "checksum of $archive does not match: expected $expected, found $found; nothing was installed"
    fi

    mkdir "$work/unpacked"
    tar -xzf "$work/$archive" -C "$work/unpacked" || fail "$archive is damaged; nothing was installed"
    [ -f "$work/unpacked/helix" ] || fail "$archive holds no helix; nothing was installed"
    chmod 755 "$work/unpacked/helix"
    "$work/unpacked/helix" --version >/dev/null 2>&1 || fail "the downloaded helix does not run on this machine; nothing was installed"

    mkdir -p "$dir" || fail "cannot create $dir"
    # Placed beside its final name first: the rename is atomic, and works while an older helix runs.
    cp "$work/unpacked/helix" "$target.new" || fail "cannot write to $dir"
    mv -f "$target.new" "$target"

    case ":$PATH:" in
        *":$dir:"*) ;;
        *)
            if [ "$modify_path" = 1 ]; then
                add_to_path "$dir"
            else
                say "add $dir to your PATH to use helix"
            fi
            ;;
    esac
    say "installed $target ($("$target" --version))"
    say "next: mkdir my-project && cd my-project && helix init && helix push dev"
}

main "$@"
