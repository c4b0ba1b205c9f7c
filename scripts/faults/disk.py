"""Faults of the disk: full, read-only, hanging. What must hold: hits are told of while the disk takes nothing, marked
`kept: false`; nothing decided is lost; when the disk is well again everything is in the store, under the same ids."""
import json
import os
import pathlib
import subprocess
import time

from world import ROOT, World, wait_for


def shim(world, name="disk"):
    path = world.dir / f"{name}.so"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", str(path), str(ROOT / f"scripts/faults/{name}.c"), "-ldl"],
                   check=True)
    return path


class Disk:
    """The store's disk, which does what it is told."""

    def __init__(self, world):
        self.world, self.file = world, world.dir / "disk-state"
        world.store.mkdir(mode=0o700, exist_ok=True)
        self.be("ok")
        world.environment |= {"LD_PRELOAD": str(shim(world)), "DISK_DIR": str(world.store), "DISK_STATE": str(self.file)}

    def be(self, state):
        new = self.file.with_suffix(".new")
        new.write_text(state)
        new.replace(self.file)


def marked(world):
    """Ids of events that came with `kept: false`."""
    found = set()
    with open(world.subscriber.path, "rb") as lines:
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("kept") is False:
                found.add(event["id"])
    return found


def trouble(name, runs, keep, state, away, how=None):
    """Under load the disk gets into `state` for `away` seconds, `runs` times; `how(world)` gives the switch."""
    world = World(name)
    world.counts = "decided"  # nothing is killed here: what was decided must arrive, and be kept in the end
    problems, slowest = [], 0.0
    cleanup = lambda: None
    try:
        if how:
            switch, cleanup = how(world)
        else:
            disk = Disk(world)
            switch = lambda bad: disk.be(state if bad else "ok")
        world.broker.up()
        world.subscriber.up()
        for run in range(runs):
            before = marked(world)
            world.start(seconds=away + 4, per_second=20, drain=120)
            wait_for("the load runs", lambda: world.said_so_far().count(b"recorded hit") >= 3)
            switch(True)
            began = time.monotonic()
            wait_for("a hit is told of while the disk takes nothing", lambda: marked(world) - before, away + 20)
            told = time.monotonic() - began
            time.sleep(max(0.0, away - told))
            switch(False)
            code, values = world.finish(away + 240)
            if code != 0 or values.get("undelivered") != "0":
                problems.append(f"run {run + 1}: ended with {code}, {values}")
            slowest = max(slowest, told)
            print(f"{name}: run {run + 1}, first hit told of {told:.1f} s after the disk took nothing, "
                  f"{len(marked(world) - before)} events went out before they were kept", flush=True)
        problems += world.check_store()
        lost, twice = world.lost()
        problems += [f"lost: {i}" for i in lost]
        # What went out marked must be kept in the end, under the same id, and told of again without the mark.
        unkept = [i for i in marked(world) if i not in world.kept]
        problems += [f"told of and never kept: {i}" for i in unkept]
        return {"lost": len(lost) + len(unkept), "duplicates": len(twice), "problems": problems,
                "recorded": len(world.recorded), "recovery_s": slowest}
    finally:
        world.close(keep)
        cleanup()


def read_only(runs, keep, away=8):
    return trouble("disk-read-only", runs, keep, "read-only", away)


def slow(runs, keep, away=30):
    return trouble("disk-slow", runs, keep, "stall", away)


def slow_short(runs, keep):
    return slow(runs, keep, 6)


def full(runs, keep, away=8):
    """A small file system of its own, filled by somebody else; the shim where there is no right to mount one."""
    def how(world):
        world.store.mkdir(mode=0o700, exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(world.store)],
                                 capture_output=True)
        if mounted.returncode != 0:
            print("disk-full: no right to mount a file system here; the shim says ENOSPC instead", flush=True)
            disk = Disk(world)
            return (lambda bad: disk.be("full" if bad else "ok")), (lambda: None)
        other = world.store / "someone-elses.bin"

        def switch(bad):
            if not bad:
                other.unlink()
                return
            with open(other, "wb") as f:
                try:
                    while True:
                        f.write(b"\0" * (1 << 16))
                        f.flush()
                except OSError:
                    pass
            # And the last free bytes, as soon as there are any.
        return switch, (lambda: subprocess.run(["umount", str(world.store)], capture_output=True))

    return trouble("disk-full", runs, keep, "full", away, how)
