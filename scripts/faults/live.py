"""Faults of the real box with a live camera: its clock jumps; its threads panic."""
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "soak"))

from cameras import Camera
from disk import shim
from world import ROOT, World, program, wait_for

WAIT = 240  # generous: an unoptimised build on a busy machine reads a frame a second


def plates(clip):
    truth = json.loads((ROOT / f"samples/{clip}.truth.json").read_text())
    return [v["text"] for v in truth["vehicles"] if v["readable"]]


class Live(World):
    """`platewatch run` on one clip: before a live camera, or played once from its file."""

    def __init__(self, name, clip, live, rows):
        super().__init__(name)
        (self.dir / "list.csv").write_text("plate,category,priority,valid_from,valid_until\n" + "\n".join(rows) + "\n")
        source = f'file = "{ROOT}/samples/{clip}.mp4"'
        if live:
            self.camera = Camera(ROOT / f"samples/{clip}.mp4", width=960, fps=6.0)
            source = f'mjpeg = "http://127.0.0.1:{self.camera.port}/v"'
        self.config.write_text(
            f'zone = "faults"\nbox = "box-1"\n[store]\ndir = "{self.store}"\n'
            f'[vision]\ndetector = "{ROOT}/models/detector.toml"\nreader = "{ROOT}/models/reader.toml"\nworkers = 1\n'
            f'[[cameras]]\nname = "gate"\n{source}\n'
            f'[[hotlists]]\nname = "wanted"\npath = "{self.dir}/list.csv"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self.broker.port}\nhealth_every_s = 1\n[run]\nstop_deadline_s = 60\n'
        )
        self.health = None

    def listen_to_health(self):
        self.health_file = open(self.dir / "health.jsonl", "ab")
        self.health = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-t", "platewatch/v1/+/+/health"],
            stdout=self.health_file, stderr=subprocess.DEVNULL)

    def last_health(self):
        lines = (self.dir / "health.jsonl").read_bytes().splitlines()
        for line in reversed(lines):
            try:
                return json.loads(line)["data"]
            except ValueError:
                continue
        return {}

    def run_box(self, *arguments):
        self.said = open(self.dir / "said.txt", "w+b")
        self.box = subprocess.Popen([program(), *arguments, "--config", str(self.config)],
                                    stdout=self.said, stderr=self.log, env=self.environment)
        return self.box

    def events(self):
        found = []
        for line in self.subscriber.path.read_bytes().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
        return found

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.store}/platewatch.db?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def undelivered(self):
        """Messages of hits that were recorded and did not arrive."""
        arrived = self.subscriber.ids()
        return [i for (i,) in self.rows("SELECT event_id FROM outbox WHERE kind = 'hit'") if i not in arrived]

    def close(self, keep=False):
        if self.health:
            self.health.terminate()
            self.health.wait()
        super().close(keep)


DAY = 86_400


def clock(runs, keep):
    clip = "roadside-day"
    rows = [f"{p},stolen-vehicle,5,2020-01-01T00:00:00Z,2090-01-01T00:00:00Z" for p in plates(clip)]
    world = Live("clock", clip, True, rows)
    offset = world.dir / "offset"
    problems, slowest, lost, twice = [], 0.0, [], 0
    try:
        world.broker.up()
        world.subscriber.up()
        world.listen_to_health()
        world.environment |= {"LD_PRELOAD": str(shim(world, "clock")), "CLOCK_OFFSET": str(offset)}
        ways = [("back an hour", 0, -3600), ("forth a day", 0, DAY), ("1970 at the start, then set", -int(time.time()) + 60, 0)]
        for run in range(runs):
            name, at_start, then = ways[run % len(ways)]
            offset.write_text(str(at_start))
            before = len(world.events())
            world.run_box("run")
            wait_for("hits before the jump", lambda: len(world.events()) > before + 1, WAIT)
            first = world.last_health().get("clock", {}).get("state")
            if (first == "unset") != (at_start != 0) and run < 3:
                problems.append(f"{name}: the clock counts as {first} at the start")
            seen = world.events()
            offset.write_text(str(then))
            began = time.monotonic()
            wait_for("health says that the clock has jumped",
                     lambda: world.last_health().get("clock", {}).get("jumps") == 1, 60)
            slowest = max(slowest, time.monotonic() - began)
            wait_for("hits after the jump", lambda: len(world.events()) > len(seen) + 2, WAIT)
            world.box.send_signal(signal.SIGTERM)
            if world.box.wait(120) != 0:
                problems.append(f"{name}: ended with {world.box.returncode}")
            time.sleep(0.5)
            events = world.events()[before:]
            late = [e["id"] for e in events if e.get("delayed")]
            if late:
                problems.append(f"{name}: {len(late)} events count as delayed, and nothing was late")
            if at_start and not any("CLOCK OF THE BOX NOT SET" in e["data"]["matched"]["instruction"] for e in events):
                problems.append(f"{name}: no hit says that validity was not checked")
            if at_start and any(e["data"]["clock"]["source"] == "ntp" for e in events
                                if e["data"]["first_seen"].startswith("1970")):
                problems.append(f"{name}: a time in 1970 counts as kept by NTP")
            if not world.rows("SELECT 1 FROM audit WHERE action = 'clock-jumped'"):
                problems.append(f"{name}: no row in the audit chain")
            lost = world.undelivered()
            print(f"clock: run {run + 1}, {name}: {len(events)} events, {len(lost)} lost", flush=True)
        problems += world.check_store() + [f"lost: {i}" for i in lost]
        twice = sum(1 for n in world.subscriber.ids().values() if n > 1)
        return {"lost": len(lost), "duplicates": twice, "problems": problems,
                "recorded": len(world.events()), "recovery_s": slowest}
    finally:
        world.close(keep)


def panic(runs, keep):
    """Vision threads that panic every so many frames; then a recorder that panics, which ends the process."""
    clip = "crossing"
    rows = [f"{p},stolen-vehicle,5,," for p in plates(clip)]
    problems, lost, seen, slowest = [], [], 0, 0.0

    def box(*arguments):
        world = Live("panic", clip, False, rows)
        try:
            world.broker.up()
            world.subscriber.up()
            world.run_box("bench", "faults", *arguments)
            code, values = world.finish(600)
            if "--recorder-at" in arguments:
                if code != 1:
                    problems.append(f"a recorder that panicked ended the box with {code}, not 1")
                began = time.monotonic()
                world.run_box("run")  # as systemd does
                code, _ = world.finish(600)
                nonlocal slowest
                slowest = max(slowest, time.monotonic() - began)
            if code != 0:
                problems.append(f"{arguments}: ended with {code}")
            time.sleep(0.5)
            lost.extend(world.undelivered())
            problems.extend(world.check_store())
            hits = {e["data"]["matched"]["plate"] for e in world.events()}
            return hits, values, len(world.events())
        finally:
            world.close(keep)

    wanted, _, _ = box()
    for run in range(runs):
        if run % 4 == 1:
            hits, _, events = box("--recorder-at", "3")
            print(f"panic: run {run + 1}, recorder: {len(hits)} of {len(wanted)} wanted vehicles", flush=True)
        else:
            every = (60, None, 40, 25)[run % 4]
            hits, values, events = box("--vision-every", str(every))
            print(f"panic: run {run + 1}, every {every} frames: {values.get('restarts')} restarts, "
                  f"{len(hits & wanted)} of {len(wanted)} wanted vehicles", flush=True)
            if int(values.get("restarts", "0")) == 0:
                problems.append("nothing panicked: the run proved nothing")
        lost.extend(wanted - hits)
        seen += events
    problems += [f"lost: {i}" for i in lost]
    return {"lost": len(lost), "duplicates": 0, "problems": problems, "recorded": seen, "recovery_s": slowest}
