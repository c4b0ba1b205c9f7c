"""Can a person read it? The rule by which a truth file calls a vehicle readable.

Set by looking at the encoded clips, enlarged, plate by plate (2026-11): from about
60 px a clean one-line plate is read with certainty (at 50 px about half of them), a
two-line one from 42 px, as long as the picture does not move by more than a third of
the space a character has while the shutter is open. At night it takes more, and glare
leaves some without any writing: those were marked by hand.
"""

from __future__ import annotations

LEAST_PX = {1: 60, 2: 42}
LEAST_PX_NIGHT = {1: 68, 2: 46}
SMEAR = 0.035  # of the width: a third of a character's cell
FRAMES, FRAMES_LOW_RATE = 3, 2
# Wide enough, but nobody could read them in the encoded clip: red ink that the infrared
# lamp turns white, headlamps beside the plate, a 4 like an A. By clip and vehicle number;
# look again when a clip is made with another seed.
WASHED_OUT = {"night-rain": {9, 16, 17, 19, 20, 21, 22, 28}}


def frame_is_clear(seen: dict, lines: int, night: bool) -> bool:
    """Wholly in view, wide enough and sharp enough in this frame."""
    least = (LEAST_PX_NIGHT if night else LEAST_PX)[lines]
    return seen["visible"] >= 0.95 and seen["width_px"] >= least and seen.get("smear_px", 0.0) <= SMEAR * seen["width_px"] * (1 if lines == 1 else 2)


def readable(seen: list[dict], lines: int, night: bool, fps: int) -> bool:
    """Clear in three frames (two when the camera takes five a second)."""
    need = FRAMES_LOW_RATE if fps <= 8 else FRAMES
    return sum(frame_is_clear(s, lines, night) for s in seen) >= need
