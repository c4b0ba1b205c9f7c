#!/usr/bin/env bash
# Measures following, fusing and matching with the models as they are, and prints the tables of
# docs/guide/figures-following.md and docs/design/right-hits.md.
#
#   scripts/measure-following.sh [PROGRAM] [FOLDER]
#
# PROGRAM  platewatch, built with --release    [target/release/platewatch]
# FOLDER   for what each run printed, and for the readings of each clip (`readings/`), from which
#          `platewatch bench passages --from` runs again in seconds    [target/measured]
# CLIPS    (environment) which sample clips    [all]
# REAL     (environment) folder of the real clips    [../shared/data/clips]
# MODELS   (environment) another models folder
# STEPS    (environment) any of: clips perfect real simulated day matching bench    [all but bench]
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/release/platewatch}
out=${2:-target/measured}
clips=${CLIPS:-roadside-day roadside-night patrol crossing parked-row night-rain low-rate shake}
real=${REAL:-../shared/data/clips}
steps=" ${STEPS:-clips perfect real simulated day matching} "
models=(${MODELS:+--models "$MODELS"})
mkdir -p "$out/readings"

value() { awk -v n="$2" '$1 == n { print $2 }' "$1"; }

row() { # NAME FILE
    local f=$2
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" \
        "$(value "$f" readable)" "$(value "$f" found)" "$(value "$f" identity_f1)" "$(value "$f" identity_f1_found)" \
        "$(value "$f" identity_f1_filled)" "$(value "$f" text_right)" "$(value "$f" text_right_single)" \
        "$(value "$f" missed)" "$(value "$f" split)" "$(value "$f" joined)" "$(value "$f" no_vehicle)"
}

head_row() {
    echo
    echo "| clip | readable | found | identity F1 | of found frames | gaps filled | text right | surest single | missed | split | joined | of no vehicle |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
}

sum_errors() { grep -h '^error' "$@" | sed 's/^error //' | sort | uniq -c | sort -rn | sed 's/^/    /' || true; }

if [[ $steps == *" clips "* ]]; then
    head_row
    for clip in $clips; do
        "$program" bench passages --clip "samples/$clip.mp4" --truth "samples/$clip.truth.json" --errors \
            --dump "$out/readings/$clip.jsonl" "${models[@]}" > "$out/$clip.txt"
        row "$clip" "$out/$clip.txt"
    done
    echo; for clip in $clips; do echo "$clip"; sum_errors "$out/$clip.txt"; done
fi
if [[ $steps == *" perfect "* ]]; then
    head_row
    for clip in $clips; do
        "$program" bench passages --clip "samples/$clip.mp4" --truth "samples/$clip.truth.json" --errors \
            --perfect-detections "${models[@]}" > "$out/$clip.perfect.txt"
        row "$clip" "$out/$clip.perfect.txt"
    done
fi
if [[ $steps == *" real "* ]]; then
    head_row
    for truth in samples/real-truth/*.truth.json; do
        clip=$(basename "$truth" .truth.json)
        [[ -f $real/$clip.mp4 ]] || continue
        "$program" bench passages --clip "$real/$clip.mp4" --truth "$truth" --errors "${models[@]}" > "$out/$clip.txt"
        row "$clip" "$out/$clip.txt"
    done
fi
if [[ $steps == *" simulated "* ]]; then
    for seed in 1 2 3; do
        "$program" bench passages --simulated --seed "$seed" --errors > "$out/simulated-$seed.txt"
    done
    echo
    echo "| scene (seed 1) | identity F1 | of found frames | text right | without fusion | missed | split | joined |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
    sed -n 's/_identity_f1 .*//p' "$out/simulated-1.txt" | while read -r scene; do
        v() { value "$out/simulated-1.txt" "${scene}_$1"; }
        printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "$scene" "$(v identity_f1)" "$(v identity_f1_found)" \
            "$(v text_right)" "$(v text_right_single)" "$(v missed)" "$(v split)" "$(v joined)"
    done
    for seed in 1 2 3; do
        awk -v seed="$seed" '/_split /{s+=$2} /_joined /{j+=$2} /_missed /{m+=$2}
            END { printf "seed %s: split %d, joined %d, missed %d of 3,600\n", seed, s, j, m }' "$out/simulated-$seed.txt"
    done
fi
if [[ $steps == *" day "* ]]; then
    # The table and the plot of docs/design/right-hits.md.
    "$program" bench day --entries 100 --entries 10000 --entries 1000000 --days 6 --table \
        --plot "$out/right-hits.svg" | tee "$out/day.txt"
    "$program" bench day --entries 10000 --days 12 --seed 2 | tee "$out/day-seed-2.txt"
    "$program" bench day --entries 10000 --days 3 --overconfidence 1.5 | tee "$out/day-overconfident.txt"
fi
if [[ $steps == *" matching "* ]]; then
    "$program" bench matching --entries 1000000 | tee "$out/matching.txt"
fi
if [[ $steps == *" bench "* ]]; then
    cargo bench --bench tracker -- --quiet | tee "$out/criterion-tracker.txt"
    cargo bench --bench matching -- --quiet | tee "$out/criterion-matching.txt"
fi
