#!/usr/bin/env bash
# Coverage-guided fuzzing of everything that reads bytes from outside, on the stable compiler.
#   fuzz/run.sh targets                  the targets
#   fuzz/run.sh build                    builds without running
#   fuzz/run.sh TARGET [--seconds N]     fuzzes it (60 s), finds go to fuzz/found/TARGET/
#   fuzz/run.sh TARGET --try FILE        runs one input
#   fuzz/run.sh TARGET --shrink          makes fuzz/corpus/TARGET as small as its coverage allows
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
if [ "$1" = targets ]; then
    sed -n 's/^    ("\([a-z-]*\)", .*/\1/p' src/fuzzing/mod.rs
    exit
fi
build() {
    RUSTC_WORKSPACE_WRAPPER="$root/fuzz/rustc.sh" cargo build --release -p platewatch-fuzz \
        --config 'profile.release.package.platewatch.opt-level=3' \
        --config 'profile.release.package.platewatch.debug-assertions=true' \
        --config 'profile.release.package.platewatch.overflow-checks=true' \
        --config 'profile.release.package.platewatch-fuzz.opt-level=3'
}
program=${CARGO_TARGET_DIR:-target}/release/platewatch-fuzz
[ "$1" = build ] && { build; exit; }
target=$1
shift
fuzz/run.sh targets | grep -qx "$target" || { echo "no target $target; fuzz/run.sh targets names them" >&2; exit 2; }
[ -n "${PLATEWATCH_FUZZ_BUILT:-}" ] || build
export PLATEWATCH_FUZZ_TARGET=$target
corpus=fuzz/corpus/$target work=fuzz/work/$target found=fuzz/found/$target
mkdir -p "$corpus" "$work" "$found"
dictionary=()
[ -f "fuzz/dictionaries/$target" ] && dictionary=(-dict="fuzz/dictionaries/$target")
case "${1:-}" in
--try) exec "$program" "$2" ;;
--shrink)
    small=$(mktemp -d)
    # Without counters: an input for every branch, not for every number of times it is taken.
    "$program" -set_cover_merge=1 -use_counters=0 -max_len=65536 "$small" "$corpus" "$work" 2>&1 | tail -3
    rm -rf "$corpus"
    mv "$small" "$corpus"
    chmod 755 "$corpus"
    ;;
*)
    seconds=60
    [ "${1:-}" = --seconds ] && seconds=$2
    "$program" "$work" "$corpus" -max_total_time="$seconds" -max_len=16384 -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$found/" -use_value_profile=1 "${dictionary[@]}"
    ;;
esac
