"""Render one sample clip and its truth file.

    python -m platewatch_training.clips.render roadside-day --out samples

`--still N` writes frame N as a PNG instead, to look at.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
from pathlib import Path

import cv2
import numpy as np

from . import crossing, gantry, look, night, parked_row, patrol, rain, reading, roadside
from .raster import draw_quad
from .scene import Scene, Surround, draw_shadow, paint_background
from .traffic import far_first, visible_faces

FPS = 25
SCENES = {
    "roadside-day": roadside.day, "roadside-night": roadside.night, "patrol": patrol.patrol,
    "crossing": crossing.crossing, "parked-row": parked_row.parked_row,
    "night-rain": gantry.night_rain, "low-rate": gantry.low_rate, "shake": gantry.shake,
}
# crf, B-frames, most kbit/s
CODING = {
    "roadside-day": ("26", "2", 2400), "roadside-night": ("27", "0", 2400), "patrol": ("29", "0", 2400),
    "crossing": ("27", "2", 1700), "parked-row": ("28", "2", 1100), "night-rain": ("29", "2", 1100), "low-rate": ("27", "2", 900), "shake": ("27", "0", 1700),
}
# A plate counts as readable when it gets at least this wide, fully in view, for four
# frames; a row of a two-line plate holds half the characters.
READABLE_PX = {1: 70, 2: 46}


class Film:
    """Draws the frames of a scene and notes where the plates are."""

    def __init__(self, scene: Scene):
        cv2.setNumThreads(1)
        self.scene = scene
        rng = np.random.default_rng(scene.seed + 1)
        lens = scene.lens_at(0.0)
        self.sensor = look.Sensor(rng, lens.width, lens.height, scene.noise, scene.night)
        self.surround = Surround(scene, lens) if scene.shaking else None
        self.base = paint_background(scene, lens, 2) if scene.still and not scene.shaking else None
        self.weather = rain.Rain(scene.seed, lens) if scene.rain else None
        if scene.night:
            self.base = night.dim(self.base, lens)
        self.clock = datetime.datetime.fromisoformat(scene.start)

    def steps(self, t: float) -> int:
        """Moments within the exposure, enough that none moves over about 1.3 px."""
        lens = self.scene.lens_at(t)
        worst = 0.0
        for m in self.scene.movers:
            at = [np.array([[*m.at(t + k * self.scene.exposure), 0.5]]) for k in (0, 1)]
            a, da = lens.project(at[0])
            b, db = self.scene.lens_at(t + self.scene.exposure).project(at[1])
            if da[0] > 4 and -300 < a[0, 0] < lens.width + 300:
                worst = max(worst, float(np.linalg.norm(a - b)))
        return int(np.clip(np.ceil(worst / 1.3), 1, 2 if self.scene.rain or not self.scene.still else 4))

    def draw(self, t: float, owners: np.ndarray | None) -> np.ndarray:
        scene, lens = self.scene, self.scene.lens_at(t)
        if self.surround is not None:
            canvas = self.surround.seen_by(lens)
        else:
            canvas = self.base.copy() if scene.still else paint_background(scene, lens)
        near = sorted(scene.movers, key=lambda m: -(m.at(t)[1] - lens.y))
        near = [m for m in near if 1.5 < m.at(t)[1] - lens.y < 160]
        if scene.beside:
            near = far_first(near, lens, t)
        if self.weather is not None:
            self.weather.mirror(canvas, near, lens, t)
        if scene.night:
            night.pools(canvas, near, lens, t)
        for mover in near:
            draw_shadow(canvas, mover, lens, scene.light, t)
        for mover in near:
            for pixels, face, normal in visible_faces(mover, lens, t):
                plate = face.tag.startswith("plate")
                if scene.optics and not plate and np.ptp(pixels, axis=0).min() < 2:
                    continue  # slivers of far vehicles: nothing to see, half of the time
                gain, offset, blur = scene.light.gain(normal), 0.0, 0.0
                if scene.night:
                    gain, offset, blur = night.light_on(face, pixels, mover, lens, t, gain)
                elif plate:
                    gain = min(1.05, gain + 0.06)
                draw_quad(canvas, pixels, face.texture, gain, offset, face.grow, blur)
                if owners is not None:
                    label = 2 * mover.number + (2 if plate else 1)
                    cv2.fillConvexPoly(owners, np.round(pixels * 16).astype(np.int32), label, cv2.LINE_8, 4)
        if scene.night:
            night.glare(canvas, near, lens, t)
        return canvas

    def frame(self, number: int) -> tuple[np.ndarray, dict[int, dict]]:
        t = number / self.scene.fps
        lens = self.scene.lens_at(t)
        owners = np.zeros((lens.height, lens.width), np.uint8)
        count = self.steps(t)
        total = None
        for k in range(count):
            part = self.draw(t + (k - (count - 1) / 2) * self.scene.exposure / count, owners if k == count // 2 else None)
            total = part if count == 1 else (part.astype(np.uint16) if total is None else total + part)
        picture = total if count == 1 else (total // count).astype(np.uint8)
        truth = self.truth(t, owners)
        if self.weather is not None:
            self.weather.fall(picture, [m for m in self.scene.movers if 1.5 < m.at(t)[1] - lens.y < 160], lens, t)
            picture = self.weather.on_glass(picture)
        if self.scene.night:
            picture = look.infrared(picture)
        if self.scene.optics:
            picture = look.optics(picture)
        flicker = 1 + 0.012 * np.sin(number * 0.13) + 0.006 * np.sin(number * 0.71)
        picture = self.sensor.expose(picture, flicker)
        stamp = (self.clock + datetime.timedelta(seconds=t)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-4]
        look.osd(picture, f"{self.scene.osd}  {stamp}", lens.width / 1920)
        return picture, truth

    def truth(self, t: float, owners: np.ndarray) -> dict[int, dict]:
        """Plates in view: corners, width and the visible share, by vehicle."""
        lens = self.scene.lens_at(t)
        eye = np.array([lens.x, lens.y, lens.z])
        found = {}
        for m in self.scene.movers:
            for corners in (m.vehicle.front_plate, m.vehicle.rear_plate):
                if corners is None:
                    continue
                world = m.place(corners, t)
                normal = -np.cross(world[1] - world[0], world[3] - world[0])
                pixels, depth = lens.project(world)
                if depth.min() < 1.0 or normal @ (eye - world.mean(0)) <= 0:
                    continue
                x0, y0 = pixels.min(0)
                x1, y1 = pixels.max(0)
                if x1 < 0 or y1 < 0 or x0 >= lens.width or y0 >= lens.height or x1 - x0 < self.scene.least_px:
                    continue
                mask = np.zeros(owners.shape, np.uint8)
                cv2.fillConvexPoly(mask, np.round(pixels * 16).astype(np.int32), 1, cv2.LINE_8, 4)
                ax, ay, bx, by = int(max(0, x0)), int(max(0, y0)), int(min(lens.width, x1 + 2)), int(min(lens.height, y1 + 2))
                seen = np.count_nonzero((owners[ay:by, ax:bx] == 2 * m.number + 2) & (mask[ay:by, ax:bx] > 0))
                area = max(1.0, cv2.contourArea(pixels.astype(np.float32)))
                share = min(1.0, seen / area)
                if share < 0.05:
                    continue
                width = float((np.linalg.norm(pixels[1] - pixels[0]) + np.linalg.norm(pixels[2] - pixels[3])) / 2)
                found[m.number] = {"corners": np.round(pixels, 1).tolist(), "width_px": round(width, 1), "visible": round(share if share < 0.97 else 1.0, 2)}
                if self.scene.person:
                    found[m.number]["smear_px"] = round(self.smear(m, corners, t), 1)
        return found


    def smear(self, mover, corners: np.ndarray, t: float) -> float:
        """How far (px) the plate moves in the picture while the shutter is open."""
        half = self.scene.exposure / 2
        a, b = (self.scene.lens_at(at).project(mover.place(corners, at))[0] for at in (t - half, t + half))
        return float(np.linalg.norm(a - b, axis=1).mean())


def write_truth(path: Path, scene: Scene, frames: list[dict[int, dict]]) -> dict:
    vehicles = []
    for m in scene.movers:
        seen = [{"frame": n, **f[m.number]} for n, f in enumerate(frames) if m.number in f]
        if not seen:
            continue
        clear = [s["width_px"] for s in seen if s["visible"] >= 0.95]
        good = m.legible and sum(w >= READABLE_PX[m.plate.lines] for w in clear) >= 4
        if scene.person:
            good = m.legible and m.number not in reading.WASHED_OUT.get(scene.name, ()) and reading.readable(seen, m.plate.lines, scene.night, scene.fps)
        vehicles.append({
            "id": m.number, "text": m.plate.text, "country": m.plate.country, "kind": m.plate.kind, "vehicle": m.vehicle.kind,
            "lines": m.plate.lines, "heading": "away" if m.heading > 0 else "towards", "first_frame": seen[0]["frame"], "last_frame": seen[-1]["frame"],
            "readable": bool(good), "max_width_px": max(clear, default=0.0), "frames": seen,
        })
    lens = scene.lens_at(0.0)
    record = {"clip": f"{scene.name}.mp4", "fps": scene.fps, "width": lens.width, "height": lens.height, "frames": len(frames), "seed": scene.seed, "vehicles": vehicles}
    path.write_text(json.dumps(record, separators=(",", ":")) + "\n")
    return record


def encoder(path: Path, scene: Scene, crf: str, b_frames: str, kbits: int) -> subprocess.Popen:
    lens, fps = scene.lens_at(0.0), str(scene.fps)
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{lens.width}x{lens.height}", "-r", fps, "-i", "-",
               "-an", "-threads", "1", "-c:v", "libx264", "-preset", "medium", "-crf", crf, "-bf", b_frames, "-g", fps, "-keyint_min", fps,
               "-sc_threshold", "0", "-flags", "+cgop", "-pix_fmt", "yuv420p", "-maxrate", f"{kbits}k", "-bufsize", f"{2 * kbits}k", "-movflags", "+faststart",
               "-fflags", "+bitexact", "-map_metadata", "-1", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", choices=SCENES)
    parser.add_argument("--out", type=Path, default=Path("samples"))
    parser.add_argument("--still", type=int, nargs="*", help="write these frames as PNG into --out, no clip")
    options = parser.parse_args()
    scene = SCENES[options.clip]()
    film = Film(scene)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.still:
        for number in options.still:
            picture, truth = film.frame(number)
            cv2.imwrite(str(options.out / f"{scene.name}-{number:04d}.png"), picture)
            print(number, {k: v["width_px"] for k, v in truth.items()})
        return
    sink = encoder(options.out / f"{scene.name}.mp4", scene, *CODING[scene.name])
    frames = []
    for number in range(int(scene.seconds * scene.fps)):
        picture, truth = film.frame(number)
        frames.append(truth)
        sink.stdin.write(picture.tobytes())
        if number % 50 == 0:
            print(f"{scene.name}: frame {number}", flush=True)
    sink.stdin.close()
    if sink.wait():
        raise SystemExit("ffmpeg failed")
    record = write_truth(options.out / f"{scene.name}.truth.json", scene, frames)
    print(f"{len(record['vehicles'])} vehicles, {sum(v['readable'] for v in record['vehicles'])} readable")


if __name__ == "__main__":
    main()
