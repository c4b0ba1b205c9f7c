#!/usr/bin/env bash
# Runs the real box for hours at full load and watches memory, descriptors and threads:
# scripts/soak.sh --hours 2 [--out DIR] [--nice 19]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
exec python3 "$root/scripts/soak/main.py" "$@"
