#!/usr/bin/env bash
# Fetches, once, the published clients, the data set and the stand-ins that the tests use, into target/test-packages.
set -euo pipefail
. scripts/lib.sh

dir=$PWD/target/test-packages
mkdir -p "$dir"

helix_py=0.2.31
helix_ts=1.0.8
vega_datasets=2.11.0
moto=5.2.1
mcp=2.3.0
fastmcp=2.14.5
schemathesis=4.32.5
openapi_spec_validator=0.9.0
wordllama=0.4.0.post1

if [ "$(cat "$dir/python/.version" 2>/dev/null)" != "$helix_py" ]; then
    say "installing helix-py $helix_py"
    rm -rf "$dir/python"
    python3 -m venv "$dir/python"
    "$dir/python/bin/pip" install --quiet --disable-pip-version-check "helix-py==$helix_py"
    printf '%s\n' "$helix_py" >"$dir/python/.version"
fi

if [ "$(cat "$dir/mcp/.version" 2>/dev/null)" != "$mcp" ]; then
    say "installing mcp $mcp, the official client of the Model Context Protocol"
    rm -rf "$dir/mcp"
    python3 -m venv "$dir/mcp"
    "$dir/mcp/bin/pip" install --quiet --disable-pip-version-check "mcp==$mcp"
    printf '%s\n' "$mcp" >"$dir/mcp/.version"
fi

if [ "$(cat "$dir/wordllama/.version" 2>/dev/null)" != "$wordllama" ]; then
    say "installing wordllama $wordllama, an embedding model that its package holds"
    rm -rf "$dir/wordllama"
    python3 -m venv "$dir/wordllama"
    "$dir/wordllama/bin/pip" install --quiet --disable-pip-version-check "wordllama==$wordllama"
    printf '%s\n' "$wordllama" >"$dir/wordllama/.version"
fi

openapi="$schemathesis $openapi_spec_validator"
if [ "$(cat "$dir/openapi/.version" 2>/dev/null)" != "$openapi" ]; then
    say "installing schemathesis $schemathesis and openapi-spec-validator $openapi_spec_validator"
    rm -rf "$dir/openapi"
    python3 -m venv "$dir/openapi"
    "$dir/openapi/bin/pip" install --quiet --disable-pip-version-check \
        "schemathesis==$schemathesis" "openapi-spec-validator==$openapi_spec_validator"
    printf '%s\n' "$openapi" >"$dir/openapi/.version"
fi

# The server of helix-py needs a framework that the package does not name.
if [ "$(cat "$dir/mcp-helix-py/.version" 2>/dev/null)" != "$helix_py $fastmcp" ]; then
    say "installing helix-py $helix_py with fastmcp $fastmcp"
    rm -rf "$dir/mcp-helix-py"
    python3 -m venv "$dir/mcp-helix-py"
    "$dir/mcp-helix-py/bin/pip" install --quiet --disable-pip-version-check "helix-py==$helix_py" "fastmcp==$fastmcp"
    printf '%s\n' "$helix_py $fastmcp" >"$dir/mcp-helix-py/.version"
fi

if [ "$(cat "$dir/node/.version" 2>/dev/null)" != "$helix_ts" ]; then
    say "installing helix-ts $helix_ts"
    rm -rf "$dir/node"
    mkdir -p "$dir/node"
    npm install --silent --no-audit --no-fund --prefix "$dir/node" "helix-ts@$helix_ts"
    printf '%s\n' "$helix_ts" >"$dir/node/.version"
fi

if [ "$(cat "$dir/vega/.version" 2>/dev/null)" != "$vega_datasets" ]; then
    say "fetching vega-datasets $vega_datasets"
    rm -rf "$dir/vega"
    mkdir -p "$dir/vega"
    (
        cd "$dir/vega"
        npm pack --silent "vega-datasets@$vega_datasets" >/dev/null
        tar -xzf vega-datasets-*.tgz --strip-components=2 package/data/airports.csv package/data/flights-airport.csv
        rm vega-datasets-*.tgz
    )
    printf '%s\n' "$vega_datasets" >"$dir/vega/.version"
fi

if [ "$(cat "$dir/moto/.version" 2>/dev/null)" != "$moto" ]; then
    say "installing moto $moto, a stand-in for AWS"
    rm -rf "$dir/moto"
    python3 -m venv "$dir/moto"
    "$dir/moto/bin/pip" install --quiet --disable-pip-version-check "moto[ecr,server,sts]==$moto"
    printf '%s\n' "$moto" >"$dir/moto/.version"
fi

# Tests of registries skip without them, but in CI.
packages=()
have docker-registry || packages+=(docker-registry)
have skopeo || packages+=(skopeo)
have openssl || packages+=(openssl)
have curl || packages+=(curl)
if [ ${#packages[@]} -gt 0 ]; then
    (apt_install "${packages[@]}") || [ "${CI:-}" != true ] || exit 1
fi
