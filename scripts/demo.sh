#!/usr/bin/env bash
# Plays the sample clips through the whole chain and prints the hits as they arrive.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
scripts/setup.sh
command -v cargo >/dev/null || . "$HOME/.cargo/env"
echo "demo: building (several minutes the first time)"
cargo build --release --locked --bin platewatch || { echo "demo: error: the build failed, see above" >&2; exit 1; }
target=$(cargo metadata --format-version 1 --no-deps --offline | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')
exec "$target/release/platewatch" demo "$@"
