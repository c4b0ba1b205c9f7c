"""Further scenes of the gantry camera over three lanes: night rain, five frames a second, wind.

`low-rate` also holds what a parked car and a returning one ask of following: one
car stands beside the traffic for the whole clip, one drives by and comes back the
other way, one comes by twice in the same lane.
"""

from __future__ import annotations

import random

import numpy as np

from . import roadside
from .lens import Lens
from .scene import Light, Scene
from .traffic import FOREIGN_WIDE, Mover, draw_plate, make, order
from .vehicles import build

LENS = Lens(focal=3500, x=0.9, z=5.4, pitch=0.196, yaw=-0.045, roll=0.008)
SMALL = LENS.moved(focal=2400, width=1280, height=720)
LINE = 17.0  # metres before the camera at which a vehicle passes at its time

RAIN_SPECIALS = [("motorcycle", "BE", "motorcycle"), ("car", "BE", "personalised"), ("car", "BE", "taxi"), ("van", "NL", "two-line"), ("car", "NL", ""), ("car", "DE", ""),
                 ("car", "FR", ""), ("car", "PL", ""), ("car", "RO", "")]
LOW_SPECIALS = [("motorcycle", "BE", "motorcycle"), ("car", "BE", "personalised"), ("car", "BE", "trade"), ("car", "NL", "two-line"), ("car", "NL", ""), ("car", "DE", ""),
                ("car", "FR", ""), ("car", "LU", ""), ("car", "GB", ""), ("car", "PL", ""), ("car", "RO", ""), ("car", "BE", "export")]
SHAKE_SPECIALS = [("motorcycle", "BE", "motorcycle"), ("car", "BE", "personalised"), ("car", "BE", "old"), ("car", "NL", ""), ("van", "DE", ""), ("car", "FR", ""), ("car", "LU", ""), ("car", "RO", "")]


def flow(rng: random.Random, seconds: float, headway: float, specials, speeds: list[float], first: int = 0, keep: list[tuple[int, float]] = ()) -> list[Mover]:
    """Lanes filled at a mean time between vehicles; `keep` (lane, time) stays free for others."""
    movers: list[Mover] = []
    wanted = order(rng, 160, [], FOREIGN_WIDE)
    for lane, (x, heading, _) in enumerate(roadside.LANES):
        speed, at = speeds[lane], rng.uniform(-1.0, 0.8)
        while at < seconds - 0.4:
            kind, country, series = wanted.pop()
            if kind == "motorcycle" and heading < 0:
                kind = "car"
            half = {"truck": 5.0}.get(kind, 2.7) / speed
            if any(l == lane and abs(at + half - when) < half + 1.4 for l, when in keep):
                at += 0.8
                wanted.append((kind, country, series))
                continue
            at += half
            movers.append((lane, x, heading, speed, at, kind, country, series))
            at += half + max(0.55, rng.expovariate(1 / headway))
    rng.shuffle(specials := list(specials))
    for special in specials:
        # Motorcycles wear their plate behind: they go where the camera sees it.
        places = [k for k, m in enumerate(movers) if m[5] == "car" and m[7] != "" and m[4] > 0.5 and (special[0] != "motorcycle" or m[2] > 0) and m[5:] not in specials]
        if places:
            k = rng.choice(places)
            movers[k] = (*movers[k][:5], *special)
    made = []
    for lane, x, heading, speed, at, kind, country, series in movers:
        legible = series not in ("", "standard") or country != "BE" or rng.random() > 0.07
        made.append(make(first + len(made), rng, kind, country, series, legible, x=x + rng.gauss(0, 0.16), y=LINE - heading * speed * at, speed=speed, heading=heading,
                         angle=rng.gauss(0, 0.008), sway=0.05))
    return made


def night_rain(seed: int = 61) -> Scene:
    """Infrared lamp, wet road, streaks, spray, drops on the glass, a slow shutter."""
    rng = random.Random(seed)
    movers = flow(rng, 16.0, 0.9, RAIN_SPECIALS, [13.0, 15.5, 12.0])
    return Scene("night-rain", seed, 16.0, 1 / 500, lambda t: SMALL, movers, Light(ambient=0.62, up=0.1, sun=0.25, direction=(0.05, -0.9, 0.4), shadow=0.0),
                 night=True, rain=True, osd="CAM 03  N173 KM 14.2  IR", start="2026-11-14 21:48:10", noise=4.0, fps=15, optics=True, person=True, least_px=18,
                 **roadside.surroundings(seed, True))


def low_rate(seed: int = 67) -> Scene:
    """Five frames a second; a parked car, and cars that come back."""
    rng = random.Random(seed)
    speeds = [13.5, 15.5, 12.5]
    # (lane, time) of the passings of those who come back.
    back, twice = [(1, 4.2), (2, 26.0)], [(0, 7.1), (0, 33.3)]
    movers = flow(rng, 40.0, 1.3, LOW_SPECIALS, speeds, keep=back + twice)
    for passings, (kind, country, series) in ((back, ("car", "BE", "standard")), (twice, ("car", "NL", ""))):
        plate, vehicle = draw_plate(rng, kind, country, series, 1), rng.getrandbits(32)
        for lane, at in passings:
            x, heading, _ = roadside.LANES[lane]
            body = build(kind, np.random.default_rng(vehicle), plate)
            movers.append(Mover(len(movers), body, plate, x + rng.gauss(0, 0.1), LINE - heading * speeds[lane] * at, speeds[lane], heading))
    movers.append(make(len(movers), rng, "car", "BE", "standard", x=6.3, y=31.0, speed=0.0, heading=1, angle=0.03))
    return Scene("low-rate", seed, 40.0, 1 / 700, lambda t: LENS, movers, Light(), osd="CAM 11  N10 KM 6.8", start="2026-10-05 09:20:31", fps=5,
                 optics=True, person=True, least_px=24, **roadside.surroundings(seed, False))


def swaying(t: float) -> Lens:
    """A pole in gusts (0.4 and 1.1 Hz) that a lorry sets trembling (13 and 21 Hz) now and then."""
    s = np.sin
    gust = 0.55 + 0.45 * s(0.9 * t + 0.4)
    burst = np.exp(-(((t % 5.0) - 2.4) / 0.7) ** 2)
    pitch = 0.0085 * gust * s(2 * np.pi * 0.42 * t) + 0.0040 * s(2 * np.pi * 1.13 * t + 1) + 0.0016 * (0.25 + burst) * s(2 * np.pi * 13.1 * t)
    yaw = 0.0105 * gust * s(2 * np.pi * 0.37 * t + 2) + 0.0048 * s(2 * np.pi * 1.07 * t) + 0.0014 * (0.25 + burst) * s(2 * np.pi * 12.3 * t + 1)
    roll = 0.0050 * gust * s(2 * np.pi * 0.5 * t + 1) + 0.0010 * burst * s(2 * np.pi * 21.0 * t)
    return SMALL.moved(pitch=SMALL.pitch + pitch, yaw=SMALL.yaw + yaw, roll=SMALL.roll + roll)


def shake(seed: int = 83) -> Scene:
    """Twenty-five frames a second from a pole in the wind."""
    rng = random.Random(seed)
    movers = flow(rng, 15.0, 0.9, SHAKE_SPECIALS, [15.0, 18.0, 13.5])
    return Scene("shake", seed, 15.0, 1 / 1200, swaying, movers, Light(ambient=0.74, sun=0.3, direction=(-0.4, -0.6, 0.7), shadow=0.35), osd="CAM 05  R11 KM 3.1",
                 start="2026-11-03 13:05:52", fps=25, shaking=True, noise=1.5, optics=True, person=True, least_px=18, **roadside.surroundings(seed, False))
