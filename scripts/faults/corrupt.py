"""The database is damaged while the box is off, or has just been killed: noise over pages, over the write-ahead log, over
the header; files cut off, emptied, gone. The box must start, say so, and bring over what can be read.

What was destroyed nobody can bring back. So a recorded event counts as lost where its message stood unharmed in the
damaged files and did not arrive in the end; events whose very bytes were overwritten are counted apart."""
import json
import os
import subprocess
import time

from world import World, program

PAGE = 4096


def bytes_of(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def noise(random, path, share=None, pages=None, at=None, length=PAGE):
    """Random bytes over pages of a file."""
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        return
    with open(path, "r+b") as f:
        count = pages or max(1, int(size / PAGE * share))
        for _ in range(count):
            f.seek(at if at is not None else random.randrange(max(1, size // PAGE)) * PAGE)
            f.write(random.randbytes(min(length, size)))


def cut(path, share):
    if path.exists():
        os.truncate(path, int(path.stat().st_size * share))


WAYS = [
    ("noise over 3 pages of the database", lambda r, db, wal: noise(r, db, pages=3)),
    ("noise over a tenth of the database", lambda r, db, wal: noise(r, db, share=0.1)),
    ("noise over 3 places of the write-ahead log", lambda r, db, wal: noise(r, wal, pages=3, length=2000)),
    ("noise over the header of the log", lambda r, db, wal: noise(r, wal, pages=1, at=0, length=32)),
    ("noise over the first page", lambda r, db, wal: noise(r, db, pages=1, at=0)),
    ("the database is cut to two thirds", lambda r, db, wal: cut(db, 0.67)),
    ("noise over both", lambda r, db, wal: (noise(r, db, pages=3), noise(r, wal, pages=2, length=2000))),
    ("the database is empty", lambda r, db, wal: cut(db, 0.0)),
]


def whole_messages(world, ids):
    """Of these events, those whose message stands unharmed in database or log."""
    store = world.store
    found = set()
    for name in ("platewatch.db", "platewatch.db-wal"):
        data = bytes_of(store / name)
        for i in ids:
            # The payload's own words: the id also stands in an index, which holds no message.
            head = f'{{"specversion":"1.0","id":"{i}"'.encode()
            at = data.find(head)
            while at >= 0 and i not in found:
                try:
                    json.JSONDecoder().raw_decode(data[at:at + PAGE].decode("utf-8", "replace"))
                    found.add(i)
                except ValueError:
                    at = data.find(head, at + 1)  # overwritten in the middle, or gone over to another page
    return found


# Of an encrypted store: damage that leaves every message whole, for here nobody sees from outside which bytes are whose.
ENCRYPTED_WAYS = [
    ("noise over the first page", lambda r, db, wal: noise(r, db, pages=1, at=0)),
    ("noise over the header of the log", lambda r, db, wal: noise(r, wal, pages=1, at=0, length=32)),
    ("noise over the salt and the first page's end", lambda r, db, wal: (noise(r, db, pages=1, at=0, length=16), noise(r, db, pages=1, at=4000, length=96))),
]


def alarms(world):
    done = subprocess.run([program(), "alarms", "list", "--json", *world.where], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def corrupt_encrypted(runs, keep):
    """The same with a store that is encrypted: what waits must arrive, whole."""
    return corrupt(runs, keep, encrypted=True)


def corrupt(runs, keep, encrypted=False):
    world = World("corrupt")
    ways = WAYS
    if encrypted:
        key = world.dir / "store.key"
        subprocess.run([program(), "store", "keygen", "--out", str(key)], check=True, stdout=subprocess.DEVNULL)
        world.configure(f'[store.encryption]\nkey_file = "{key}"')
        world.where, ways = ["--config", str(world.config)], ENCRYPTED_WAYS
    problems, slowest, destroyed, missing = [], 0.0, set(), set()
    db, wal = world.store / "platewatch.db", world.store / "platewatch.db-wal"
    try:
        world.broker.up()
        world.subscriber.up()
        for run in range(runs):
            name, way = ways[run % len(ways)]
            # Every second time the broker is away, so that much waits when the damage is done.
            away = encrypted or run % 2 == 1
            if away:
                world.broker.down()
            world.start(per_second=60)
            time.sleep(world.random.uniform(1.5, 3.0))
            if run % 3 == 2:
                world.box.terminate()
                world.finish()
            else:
                world.kill()
            known = len(alarms(world)) if db.exists() else 0
            if away:
                world.broker.up()
                world.subscriber.down()
                world.subscriber.up()
            time.sleep(0.7)  # what the broker has taken is on its way to the subscriber
            way(world.random, db, wal)
            arrived = world.subscriber.ids()
            waiting = {i for i in world.recorded if i not in arrived} - destroyed - missing
            gone = set() if encrypted else waiting - whole_messages(world, waiting)
            destroyed |= gone
            seconds, _ = world.drain()
            slowest = max(slowest, seconds)
            raised = alarms(world)
            missing |= {i for i in world.lost()[0] if i not in destroyed}
            print(f"corrupt: run {run + 1}, {name}: {len(waiting)} waited, {len(gone)} of them overwritten, "
                  f"{len(missing)} lost so far; {len(raised) - known} alarm", flush=True)
            found = world.check_store()
            problems += [f"after run {run + 1} ({name}): {line}" for line in found]
            if len(raised) == 0 and gone:
                problems.append(f"run {run + 1} ({name}): damage and no alarm")
            if raised:
                subprocess.run([program(), "alarms", "acknowledge", "--all", *world.where, "--by", "faults"],
                               check=True, stdout=subprocess.DEVNULL)
                if alarms(world):
                    problems.append("an acknowledged alarm stands")
        never, twice = world.lost()
        lost = [i for i in never if i in missing or i not in destroyed]
        aside = [p.name for p in world.store.iterdir() if ".damaged-" in p.name]
        print(f"corrupt: {len(aside)} files moved aside, none deleted; {len(destroyed)} events were overwritten "
              f"before they had been delivered", flush=True)
        if not aside:
            problems.append("nothing was ever found damaged: the damage proved nothing")
        problems += [f"lost: {i}" for i in lost]
        return {"lost": len(lost), "duplicates": len(twice), "problems": problems,
                "recorded": len(world.recorded), "recovery_s": slowest}
    finally:
        world.close(keep)
