#!/usr/bin/env bash
# Makes a release: a static Linux binary in an archive, its checksums, and the installer that downloads them.
#
# The output folder can be served as it is: HELIX_DOWNLOAD_BASE is the address it is served at.
set -euo pipefail
. scripts/lib.sh

usage() {
    cat <<'TEXT'
Usage: ./build.sh release [OPTIONS]

Options:
  --out DIR       Output folder (default: target/dist)
  --base URL      Address that the folder will be served at; becomes the installer's default
  --binary FILE   Pack this binary instead of building one
  -h, --help      Show this text
TEXT
}

out=$PWD/target/dist
base=
binary=
while [ $# -gt 0 ]; do
    case "$1" in
        --out) out=${2:?--out needs a directory} && shift ;;
        --base) base=${2:?--base needs an address} && shift ;;
        --binary) binary=${2:?--binary needs a file} && shift ;;
        -h | --help) usage && exit 0 ;;
        *) fail "unknown argument \`$1\`; see ./build.sh release --help" ;;
    esac
    shift
done

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n1)
arch=$(uname -m)
case "$arch" in
    x86_64 | aarch64) ;;
    arm64) arch=aarch64 ;;
    *) fail "no release is made for $arch" ;;
esac
triple=$arch-unknown-linux

if [ -z "$binary" ]; then
    require_toolchain
    require_c_compiler
    # Static against musl where that target is installed, else against glibc; both run on any Linux of the architecture.
    target=$arch-unknown-linux-musl
    rustc --print target-libdir --target "$target" 2>/dev/null | xargs -r test -d || target=$arch-unknown-linux-gnu
    RUSTFLAGS="-C target-feature=+crt-static ${RUSTFLAGS:-}" cargo build --release --locked --bin helix --target "$target"
    binary=${CARGO_TARGET_DIR:-$PWD/target}/$target/release/helix
    if file "$binary" 2>/dev/null | grep -q 'dynamically linked'; then
        fail "$binary is not static"
    fi
fi

folder=$out/v$version
mkdir -p "$folder"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
install -m 755 "$binary" "$stage/helix"
install -m 644 LICENSE README.md CHANGELOG.md "$stage/"

# Same inputs, same archive: sorted names, no owner, one time for all files.
archive=helix-$version-$triple.tar.gz
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" --directory "$stage" . | gzip -n >"$folder/$archive"
(cd "$folder" && sha256sum -- *.tar.gz >SHA256SUMS)
printf '%s\n' "$version" >"$out/latest"
sed "s|^default_base=.*|default_base='$base'|" install.sh >"$out/install.sh"
chmod 755 "$out/install.sh"

say "released helix $version to $out"
ls -l "$folder" >&2
