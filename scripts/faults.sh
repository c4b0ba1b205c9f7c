#!/usr/bin/env bash
# Causes faults and counts what is lost: scripts/faults.sh list | NAME [--runs N] | all [--short]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
exec python3 "$root/scripts/faults/main.py" "$@"
