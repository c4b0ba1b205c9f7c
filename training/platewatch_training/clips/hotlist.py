"""Make `samples/hotlist.csv` from the truth files: who is wanted, and who only looks like it.

    python -m platewatch_training.clips.hotlist samples

About a third of the readable vehicles of each clip are on the list. Beside them
stand decoys that pass nowhere, near misses (one character away from a plate that
does pass and is not wanted), one entry that has expired and one not yet valid.
`samples/expected-hits.json` names the plates that must hit, clip by clip.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from pathlib import Path

HEADER = ["plate", "category", "priority", "country", "valid_from", "valid_until", "case", "instruction"]
CLIPS = ("roadside-day", "roadside-night", "patrol")
REASONS = [
    ("stolen-vehicle", 5, "Intercept, secure for forensics"),
    ("stolen-plate", 15, "Check vehicle against registration, seize plates"),
    ("wanted-person", 0, "Armed, call for backup, do not approach alone"),
    ("missing-person", 3, "Minor may be on board, inform dispatcher at once"),
    ("uninsured", 60, "Stop when possible, immobilise"),
    ("uninspected", 75, "Stop when possible, check inspection"),
    ("unpaid-fines", 80, "Stop when possible, collect"),
    ("discreet-check", 30, "Do not stop, note direction and occupants"),
]
SHAPES = {"A": "BCDEFGHJKLPRSTVWXYZ", "9": "23456789"}


def case(rng: random.Random) -> str:
    return f"AN.{rng.choice([11, 17, 21, 43])}.L{rng.randint(1, 9)}.{rng.randint(1000, 99999):06d}/2026"


def entry(rng: random.Random, plate: str, country: str, reason=None, start: str = "", end: str = "") -> dict:
    category, priority, instruction = reason or rng.choice(REASONS)
    return dict(zip(HEADER, [plate, category, priority, country, start, end, case(rng), instruction]))


def near_miss(rng: random.Random, plate: str, taken: set[str]) -> str:
    """The plate with one character changed to one that does not resemble it."""
    while True:
        k = rng.randrange(1, len(plate))
        pool = SHAPES["9"] if plate[k].isdigit() else SHAPES["A"]
        other = rng.choice([c for c in pool if c != plate[k]])
        changed = plate[:k] + other + plate[k + 1 :]
        if changed not in taken:
            return changed


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "samples")
    rng = random.Random(5)
    truth = {clip: json.loads((folder / f"{clip}.truth.json").read_text()) for clip in CLIPS if (folder / f"{clip}.truth.json").exists()}
    passing = {v["text"] for t in truth.values() for v in t["vehicles"]}
    rows, expected, spare = [], {}, []
    for clip, t in truth.items():
        readable = sorted((v for v in t["vehicles"] if v["readable"]), key=lambda v: v["id"])
        plain = [v for v in readable if sum(f["visible"] >= 0.95 and f["width_px"] >= (48 if v["lines"] == 2 else 78) for f in v["frames"]) >= 8]
        wanted = rng.sample(plain, min(len(plain), max(6, round(len(readable) / 3))))
        # Every clip shows at least one foreign plate and one that is not of the usual series.
        for test in (lambda v: v["country"] != "BE", lambda v: v["country"] == "BE" and v["kind"] not in ("standard", "old")):
            if not any(test(v) for v in wanted):
                wanted += [v for v in plain if test(v) and v not in wanted][:1]
        rows += [entry(rng, v["text"], v["country"]) for v in wanted]
        expected[clip] = sorted(v["text"] for v in wanted)
        spare += [v for v in readable if v not in wanted]
    rng.shuffle(spare)
    expired, early, *spare = spare
    rows.append(entry(rng, expired["text"], expired["country"], REASONS[0], "2025-01-10", "2026-03-31"))
    rows.append(entry(rng, early["text"], early["country"], REASONS[3], "2031-01-01", ""))
    taken = passing | {r["plate"] for r in rows}
    for v in spare[:6]:
        text = near_miss(rng, v["text"], taken)
        taken.add(text)
        rows.append(entry(rng, text, v["country"]))
    while len(rows) < 42:
        pick = lambda kind, n: "".join(rng.choice(SHAPES[kind]) for _ in range(n))
        text, country = rng.choice([(rng.choice("12") + pick("A", 3) + pick("9", 3), "BE")] * 3 + [(pick("9", 2) + pick("A", 3) + pick("9", 1), "NL"), (pick("A", 2) + pick("9", 3) + pick("A", 2), "FR")])
        if text not in taken:
            taken.add(text)
            rows.append(entry(rng, text, country))
    rng.shuffle(rows)
    with open(folder / "hotlist.csv", "w", newline="", encoding="utf-8") as sink:
        writer = csv.DictWriter(sink, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "expected-hits.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(f"{len(rows)} entries;", {k: len(v) for k, v in expected.items()}, "expected hits")


if __name__ == "__main__":
    main()
