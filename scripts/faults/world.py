"""What every fault needs: the program under load, mosquitto, a subscriber that writes down what arrives.

The rule that is counted: every event whose transaction returned (`recorded hit ID` on the load's standard
output) must reach the subscriber, whatever was done to box and broker meanwhile. An event may arrive twice,
with the same id; that is counted too. Everything runs on loopback, in a folder of its own, and is stopped by
its own process id.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program():
    """The binary: $PLATEWATCH, or target/release/platewatch of this checkout."""
    named = os.environ.get("PLATEWATCH")
    if named:
        return named
    meta = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"],
        cwd=ROOT, capture_output=True, text=True,
    )
    target = json.loads(meta.stdout)["target_directory"] if meta.returncode == 0 else str(ROOT / "target")
    found = pathlib.Path(target) / "release" / "platewatch"
    if not found.exists():
        sys.exit(f"faults: {found} is not there: cargo build --release first, or set PLATEWATCH")
    return str(found)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, done, seconds=60.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = done()
        if value:
            return value
        time.sleep(0.05)
    raise RuntimeError(f"waited {seconds:.0f} s in vain: {what}")


class Broker:
    """mosquitto on loopback; its queue for the subscriber outlives neither kill nor restart, so the subscriber
    keeps a session and the store is written at once."""

    def __init__(self, folder, extra=""):
        self.folder, self.port, self.process = pathlib.Path(folder), free_port(), None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write(extra)

    def write(self, extra=""):
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000000\n"
            f"max_inflight_messages 100\nuser root\n{extra}\n"
        )

    def up(self):
        name = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen(
            [name, "-c", str(self.folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        wait_for("mosquitto listens", self.listens, 20)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            return True
        except OSError:
            return False

    def down(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


class Subscriber:
    """mosquitto_sub on every event topic, one JSON payload a line into a file."""

    def __init__(self, broker, folder):
        self.path = pathlib.Path(folder) / "received.jsonl"
        self.out = open(self.path, "ab")
        self.broker, self.process = broker, None

    def up(self):
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-V", "5", "-q", "1",
             "-t", "platewatch/v1/+/+/hits", "-t", "platewatch/v1/+/+/passages"],
            stdout=self.out, stderr=subprocess.DEVNULL,
        )
        time.sleep(0.4)

    def down(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def ids(self):
        """How often each event id arrived."""
        counts = {}
        with open(self.path, "rb") as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # the line being written just now
                counts[event["id"]] = counts.get(event["id"], 0) + 1
        return counts


class World:
    """A folder with a box's configuration, a broker and a subscriber."""

    def __init__(self, name, store=None, broker_extra=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"platewatch-{name}-"))
        self.store = pathlib.Path(store) if store else self.dir / "store"
        self.broker = Broker(self.dir / "broker", broker_extra)
        self.subscriber = Subscriber(self.broker, self.dir)
        self.config = self.dir / "box.toml"
        self.where = ["--data", str(self.store)]  # how verbs are told of the store
        self.log = open(self.dir / "box.log", "ab")
        self.recorded = {}   # event id -> "hit" or "passage"; of faults that do not kill: what was decided
        self.kept = set()    # event ids whose transaction has returned
        self.counts = "recorded"
        self.environment = dict(os.environ)
        self.random = random.Random(20261124)
        self.configure()

    def configure(self, store_extra="", mqtt_extra=""):
        frames = self.dir / "frames"
        frames.mkdir(exist_ok=True)
        if not any(frames.iterdir()):
            shutil.copy(ROOT / "samples/pictures/day-1.jpg", frames / "1.jpg")
        self.config.write_text(
            f'zone = "faults"\nbox = "box-1"\n'
            f'[store]\ndir = "{self.store}"\nkeep_passages = true\n{store_extra}\n'
            f'[vision]\ndetector = "{ROOT}/models/detector.toml"\nreader = "{ROOT}/models/reader.toml"\n'
            f'[[cameras]]\nname = "load"\nfolder = "{frames}"\n'
            f'[[hotlists]]\nname = "load"\npath = "{ROOT}/samples/hotlist.csv"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self.broker.port}\n{mqtt_extra}\n'
        )

    def start(self, seconds=3600, per_second=60, drain=30):
        """The program under load; what it says it has recorded is read by `finish` or `kill`."""
        # Its output goes to a file, so that nothing it said before a kill is lost in a pipe.
        self.said = open(self.dir / "said.txt", "w+b")
        self.box = subprocess.Popen(
            [program(), "bench", "load", "--config", str(self.config), "--per-second", str(per_second),
             "--seconds", str(seconds), "--drain-seconds", str(drain)],
            stdout=self.said, stderr=self.log, env=self.environment,
        )
        return self.box

    def hear(self):
        """Takes in what the program has said so far; its `name value` lines come back."""
        values = {}
        self.said.seek(0)
        for line in self.said.read().decode().splitlines(keepends=True):
            if not line.endswith("\n"):
                continue  # cut off by the kill: was not said
            words = line.split()
            if len(words) == 3:
                if words[0] == "recorded":
                    self.kept.add(words[2])
                if words[0] == self.counts:
                    self.recorded[words[2]] = words[1]
            elif len(words) == 2:
                values[words[0]] = words[1]
        return values

    def said_so_far(self):
        return (self.dir / "said.txt").read_bytes()

    def kill(self):
        self.box.kill()
        self.box.wait()
        self.hear()
        self.said.close()

    def finish(self, timeout=180):
        code = self.box.wait(timeout)
        values = self.hear()
        self.said.close()
        return code, values

    def drain(self, seconds=120):
        """Delivers what waits, with nothing new; gives seconds it took and what the program said."""
        began = time.monotonic()
        self.start(seconds=0, drain=seconds)
        code, values = self.finish(seconds + 60)
        if code != 0:
            raise RuntimeError(f"the program ended with {code}; see {self.dir}/box.log")
        time.sleep(0.5)  # what the broker has acknowledged is on its way to the subscriber
        return time.monotonic() - began, values

    def check_store(self):
        """Findings of `platewatch check store`, as lines; empty where the store is whole."""
        done = subprocess.run(
            [program(), "check", "store", *self.where], capture_output=True, text=True,
            env={k: v for k, v in self.environment.items() if k != "LD_PRELOAD"},
        )
        values = [l for l in done.stdout.splitlines() if l.split(" ")[0] in ("findings",)]
        if done.returncode == 0 and values == ["findings 0"]:
            return []
        return (done.stdout + done.stderr).splitlines()

    def lost(self, only=None):
        """Recorded events that never arrived, and events that arrived more than once."""
        arrived = self.subscriber.ids()
        lost = [i for i, kind in self.recorded.items() if i not in arrived and only in (None, kind)]
        return lost, [i for i, n in arrived.items() if n > 1]

    def close(self, keep=False):
        if getattr(self, "box", None) and self.box.poll() is None:
            self.box.kill()
            self.box.wait()
        self.subscriber.down()
        self.broker.down()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)
