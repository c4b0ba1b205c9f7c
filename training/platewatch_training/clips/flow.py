"""Vehicles that keep their distance: car-following in lanes, red lights, lane changes.

The law is the intelligent driver model (Treiber, Hennecke, Helbing 2000, Physical
Review E 62, 1805): each driver nears a wished speed but brakes for the one ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

STEP = 0.02  # s
ACCELERATION, BRAKING, HEADWAY, STANDSTILL = 2.2, 3.0, 0.9, 2.0  # m/s2, m/s2, s, m


@dataclass
class Driver:
    """One vehicle of the flow; `s` grows in the driving direction."""

    lane: int
    s: float
    length: float
    wish: float  # m/s
    x: float
    speed: float = 0.0
    moving: tuple[float, float, float] | None = None  # from x, to x, begun at
    trail: list[tuple[float, float]] = field(default_factory=list)

    def path(self, heading: int, origin: float):
        """(x, y) at a time; `origin` is the Y at s = 0."""
        xs, ss = (np.array(column) for column in zip(*self.trail))
        times = np.arange(len(xs)) * STEP
        return lambda t: (float(np.interp(t, times, xs)), origin + heading * float(np.interp(t, times, ss)))


def smooth(k: float) -> float:
    k = min(1.0, max(0.0, k))
    return k * k * (3 - 2 * k)


def drive(drivers: list[Driver], seconds: float, reds: dict[int, tuple[float, float]], changes: list[tuple[float, int, int, float, float]],
          lanes: dict[int, float]) -> None:
    """Move all drivers of one direction and write their trails.

    `reds`: lane -> (s of the stop line, green at). `changes`: (time, from lane, to
    lane, s from, s to): the first driver there who has room changes lanes.
    """
    for d in drivers:
        d.speed = d.wish
    todo = list(changes)
    for k in range(int((seconds + 0.5) / STEP)):
        t = k * STEP
        by_lane: dict[int, list[Driver]] = {}
        for d in sorted(drivers, key=lambda d: -d.s):
            by_lane.setdefault(d.lane, []).append(d)
        for change in list(todo):
            at, a, b, low, high = change
            if t < at:
                continue
            for d in by_lane.get(a, []):
                room = all(abs(o.s - d.s) > (o.length + d.length) / 2 + 5.0 for o in by_lane.get(b, []))
                if low < d.s < high and d.moving is None and room and d.speed > 3:
                    d.lane, d.moving = b, (d.x, d.x + lanes[b] - lanes[a], t)
                    todo.remove(change)
                    break
        for lane, row in by_lane.items():
            for ahead, d in zip([None, *row], row):
                gap, closing = 1e6, 0.0
                if ahead is not None:
                    gap, closing = ahead.s - d.s - (ahead.length + d.length) / 2, d.speed - ahead.speed
                if lane in reds and t < reds[lane][1] and d.s + d.length / 2 < reds[lane][0]:
                    line = reds[lane][0] - d.s - d.length / 2
                    if line < gap:
                        gap, closing = line, d.speed
                wanted = STANDSTILL + max(0.0, d.speed * HEADWAY + d.speed * closing / (2 * np.sqrt(ACCELERATION * BRAKING)))
                a = ACCELERATION * (1 - (d.speed / d.wish) ** 4 - (wanted / max(0.1, gap)) ** 2)
                d.speed = max(0.0, d.speed + max(-9.0, a) * STEP)
        for d in drivers:
            d.s += d.speed * STEP
            if d.moving:
                x0, x1, begun = d.moving
                d.x = x0 + (x1 - x0) * smooth((t - begun) / 2.6)
                if t - begun > 3:
                    d.moving = None
            d.trail.append((d.x, d.s))
