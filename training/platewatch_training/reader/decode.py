"""From the 80 steps of the net to a text with exact probabilities, as `src/vision/ctc.rs` does it.

The probability of each character at each place is summed over all CTC
alignments: that of the text with the other character there, or without one,
together 1 at each place.
"""

from __future__ import annotations

import numpy as np

from ..plates import ALPHABET
from .model import BLANK


def best_path(steps: np.ndarray) -> list[int]:
    """Likeliest class of each step, repeats collapsed, blanks dropped."""
    out, last = [], BLANK
    for k in steps.argmax(-1).tolist():
        if k != last and k != BLANK:
            out.append(k)
        last = k
    return out


def _forward(steps: np.ndarray, text: list[int]) -> np.ndarray:
    """T x (2L + 1) forward variables."""
    states = 2 * len(text) + 1
    classes = np.full(states, BLANK)
    classes[1::2] = text
    jump = np.zeros(states, bool)
    jump[3::2] = classes[3::2] != classes[1:-2:2]
    emit = steps[:, classes].astype(np.float64)
    alpha = np.zeros((len(steps), states))
    alpha[0, :2] = emit[0, :2]
    for t in range(1, len(steps)):
        way = alpha[t - 1].copy()
        way[1:] += alpha[t - 1, :-1]
        way[2:] += np.where(jump[2:], alpha[t - 1, :-2], 0)
        alpha[t] = way * emit[t]
    return alpha


def total(steps: np.ndarray, text: list[int]) -> float:
    """Probability of a text over all alignments."""
    return float(_forward(steps, text)[-1, -2:].sum())


def places(steps: np.ndarray, text: list[int]) -> np.ndarray:
    """L x 37: probability of each character at each place, last that none stands there."""
    alpha, count = _forward(steps, text), len(text)
    # The backward variables are the forward ones of everything reversed, without the step's own emission.
    back = _forward(steps[::-1], text[::-1])[::-1, ::-1]
    out = np.zeros((count, BLANK + 1))
    for i in range(count):
        before, after = (text[i - 1] if i else None), (text[i + 1] if i + 1 < count else None)
        inside, whole = np.zeros(BLANK), np.zeros(BLANK)
        from_char, to_char = np.ones(BLANK), np.ones(BLANK)
        if before is not None:
            from_char[before] = 0
        if after is not None:
            to_char[after] = 0
        for t in range(len(steps)):
            if t == 0:
                enter = np.full(BLANK, 1.0 if i == 0 else 0.0)
            else:
                enter = alpha[t - 1, 2 * i] + (alpha[t - 1, 2 * i - 1] * from_char if i else 0.0)
            inside = (inside + enter) * steps[t, :BLANK]
            if t + 1 < len(steps):
                whole += inside * (back[t + 1, 2 * i + 2] + (back[t + 1, 2 * i + 3] * to_char if after is not None else 0.0))
            elif after is None:
                whole += inside
        out[i, :BLANK] = whole
        out[i, BLANK] = total(steps, text[:i] + text[i + 1 :])
    return out / np.maximum(out.sum(1, keepdims=True), 1e-300)


def read(steps: np.ndarray) -> tuple[str, np.ndarray, float]:
    """(text, its places, its probability)."""
    text = best_path(steps)
    for _ in range(5):
        at = places(steps, text) if text else np.zeros((0, BLANK + 1))
        wish = [(row.max(), i, int(row.argmax())) for i, row in enumerate(at) if row.max() > row[text[i]] * 1.0001]
        if not wish:
            break
        _, i, k = max(wish)
        text = text[:i] + ([] if k == BLANK else [k]) + text[i + 1 :]
    return "".join(ALPHABET[k] for k in text), at, total(steps, text)
