#!/usr/bin/env bash
# Runs every test. Extra arguments go to the test runner.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
scripts/setup.sh --tests
command -v cargo >/dev/null || . "$HOME/.cargo/env"
# The release profile: it shares every dependency with the demo's build, and the models run at full speed.
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run --release --locked --no-fail-fast "$@"
else
    exec cargo test --release --locked "$@"
fi
