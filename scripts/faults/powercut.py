"""The power is cut: what was not synced is lost, torn, or there by luck.

powercut.c, preloaded into the program, writes down every change to the store. After a kill the folder is built
anew from that: synced bytes and names for certain; of what was not synced, by chance nothing, everything, the
first part, or any sectors of 512 bytes. The program then starts on the folder as it may be after a power cut.
"""
import os
import shutil
import subprocess
import time

from world import ROOT, World

SECTOR = 512


class File:
    def __init__(self, data=b""):
        self.durable, self.pending = bytearray(data), []

    def apply(self, target, op):
        kind, at, data = op
        if kind == "truncate":
            if len(target) > at:
                del target[at:]
            else:
                target.extend(b"\0" * (at - len(target)))
        else:
            if len(target) < at:
                target.extend(b"\0" * (at - len(target)))
            target[at:at + len(data)] = data

    def sync(self):
        for op in self.pending:
            self.apply(self.durable, op)
        self.pending = []

    def after_cut(self, random):
        """Its bytes as they may be on the disk."""
        data, luck = bytearray(self.durable), random.random()
        if luck < 0.3:
            kept = []
        elif luck < 0.5:
            kept = self.pending
        elif luck < 0.75:
            kept = self.pending[:random.randrange(len(self.pending) + 1)]
        else:
            kept = []
            for kind, at, bytes_ in self.pending:
                if kind == "truncate":
                    kept.append((kind, at, bytes_))
                    continue
                for i in range(0, len(bytes_), SECTOR):
                    if random.random() < 0.6:
                        kept.append((kind, at + i, bytes_[i:i + SECTOR]))
        for op in kept:
            self.apply(data, op)
        return data


class Disk:
    """Names and bytes, durable and not."""

    def __init__(self, folder):
        self.root = os.path.realpath(folder)
        self.live, self.durable, self.names = {}, {}, {}
        for where, folders, files in os.walk(self.root):
            for name in folders:
                self.live[os.path.join(where, name)] = None
            for name in files:
                path = os.path.join(where, name)
                with open(path, "rb") as f:
                    self.live[path] = File(f.read())
        self.durable = dict(self.live)

    def change(self, op):
        """A change of names: waits until its folder is synced."""
        self._name(self.live, op)
        self.names.setdefault(os.path.dirname(op[1]), []).append(op)

    @staticmethod
    def _name(names, op):
        kind, path, extra = op
        if kind == "make":
            names.setdefault(path, extra)
        elif kind == "rename":
            target, file = extra
            if path in names or file is not None:
                names[target] = names.pop(path, file)
        else:
            names.pop(path, None)

    def replay(self, log):
        with open(log, "rb") as f:
            while True:
                head = f.readline()
                if not head.endswith(b"\n"):
                    return
                kind, a, b, at, length = head[:-1].decode().split("\t")
                data = f.read(int(length))
                if len(data) < int(length):
                    return  # cut by the kill
                self.act(kind, a, b, int(at), data)

    def act(self, kind, a, b, at, data):
        file = self.live.get(a)
        if kind == "create":
            self.change(("make", a, File()))
        elif kind == "mkdir":
            self.change(("make", a, None))
        elif kind == "unlink":
            self.change(("remove", a, None))
        elif kind == "rename":
            self.change(("rename", a, (b, file)))
        elif kind == "write" and file is not None:
            file.pending.append(("write", at, data))
        elif kind == "truncate" and file is not None:
            file.pending.append(("truncate", at, b""))
        elif kind == "sync":
            if file is not None:
                file.sync()
            else:
                for op in self.names.pop(a, []):
                    self._name(self.durable, op)

    def cut(self, folder, random):
        """Builds the folder as it may be after the cut; gives how many changes were not synced."""
        unsynced = sum(len(f.pending) for f in self.live.values() if f) + sum(map(len, self.names.values()))
        for ops in self.names.values():
            for op in ops[:random.randrange(len(ops) + 1)]:  # a folder's changes come in order
                self._name(self.durable, op)
        shutil.rmtree(folder)
        os.makedirs(folder, 0o700)
        for path, file in sorted(self.durable.items()):
            if file is None:
                os.makedirs(path, 0o700, exist_ok=True)
        for path, file in self.durable.items():
            if file is not None and os.path.isdir(os.path.dirname(path)):
                with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                    f.write(file.after_cut(random))
        return unsynced


def power_cut(runs, keep):
    world = World("power-cut")
    problems, slowest, unsynced = [], 0.0, 0
    shim, log = world.dir / "powercut.so", world.dir / "writes.log"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", str(shim), str(ROOT / "scripts/faults/powercut.c"), "-ldl"],
                   check=True)
    world.store.mkdir(mode=0o700)
    try:
        world.broker.up()
        world.subscriber.up()
        for run in range(runs):
            disk = Disk(world.store)
            log.unlink(missing_ok=True)
            world.environment |= {"LD_PRELOAD": str(shim), "POWERCUT_DIR": str(world.store), "POWERCUT_LOG": str(log)}
            world.start(per_second=150)
            time.sleep(world.random.uniform(0.05, 0.8))
            world.kill()
            if log.exists():  # else it was killed before it began
                disk.replay(log)
            unsynced += disk.cut(world.store, world.random)
            for name in ("LD_PRELOAD", "POWERCUT_DIR", "POWERCUT_LOG"):
                world.environment.pop(name)
            if run % 10 == 9 or run == runs - 1:
                seconds, _ = world.drain()
                slowest = max(slowest, seconds)
                found = world.check_store()
                problems += [f"after run {run + 1}: {line}" for line in found]
                print(f"power-cut: {run + 1} runs, {len(world.recorded)} events recorded, {unsynced} unsynced "
                      f"changes at the cuts, {len(world.lost()[0])} lost", flush=True)
        lost, twice = world.lost()
        problems += [f"lost: {i}" for i in lost]
        if unsynced == 0:
            problems.append("nothing was unsynced at any cut: the cuts proved nothing")
        return {"lost": len(lost), "duplicates": len(twice), "problems": problems,
                "recorded": len(world.recorded), "recovery_s": slowest}
    finally:
        world.close(keep)
