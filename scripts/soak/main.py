"""scripts/soak.sh: hours of `platewatch run` at full load; is memory flat? See docs/guide/reliability.md.

Four cameras without end: two clips that begin again (their readers wait for the vision threads, so these are
never idle), and two Motion JPEG servers, which send whether or not anyone looks; one of them is cut off every
90 s. A list of 10,000 entries with the plates of the clips in it, rewritten every ten minutes. mosquitto with a
subscriber. Every ten seconds /proc is asked, a line is added to samples.tsv and summary.txt is written anew.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import string
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))

import figures
from cameras import Camera
from world import ROOT, Broker, Subscriber, free_port, program, wait_for

COLUMNS = ["seconds", "rss_mb", "anon_mb", "fds", "threads", "frames", "dropped", "passages", "hits", "delivered",
           "camera_restarts", "lists_loaded", "outbox_pending", "store_mb", "restarts"]
LIST_EVERY_S = 600.0


def write_list(path, entries, round_):
    """Plates of the clips and made-up ones; one of them changes every round, so that the file is another."""
    rng = random.Random(20261125)
    plates = []
    for truth in sorted((ROOT / "samples").glob("*.truth.json")):
        plates += [v["text"] for v in json.loads(truth.read_text())["vehicles"] if v["readable"]]
    plates = list(dict.fromkeys(plates))[:entries]
    known = set(plates)
    while len(plates) < entries:
        text = (rng.choice("12") + "".join(rng.choices(string.ascii_uppercase, k=3))
                + "".join(rng.choices(string.digits, k=3)))
        if text not in known:
            known.add(text)
            plates.append(text)
    rows = [f"{p},stolen-vehicle,5,BE,CASE.{i},Note and report" for i, p in enumerate(plates)]
    rows[-1] = rows[-1].replace("Note and report", f"Round {round_}")
    new = path.with_suffix(".new")
    new.write_text("plate,category,priority,country,case,instruction\n" + "\n".join(rows) + "\n")
    new.replace(path)


def environment():
    """Ours, and what the unit file sets for the service: its memory is what is measured."""
    unit = (ROOT / "deploy/platewatch.service").read_text().splitlines()
    set_ = [line.removeprefix("Environment=") for line in unit if line.startswith("Environment=")]
    return {**os.environ, **dict(pair.split("=", 1) for pair in set_)}


def metrics(port):
    """Sums over the labels of every metric."""
    sums = {}
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return sums
    for line in text.splitlines():
        if not line.startswith("#") and " " in line:
            name, value = line.rsplit(" ", 1)
            name = name.split("{")[0]
            sums[name] = sums.get(name, 0.0) + float(value)
    return sums


def process(pid):
    status = dict(l.split(":", 1) for l in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in l)
    kb = lambda name: float(status[name].split()[0]) / 1024
    return {"rss_mb": kb("VmRSS"), "anon_mb": kb("RssAnon"), "fds": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": len(os.listdir(f"/proc/{pid}/task"))}


def size_mb(folder):
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:
                pass
    return total / 1e6


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/soak.sh", description="Runs the box for hours at full load; ends with one line of figures.",
        epilog="Example: scripts/soak.sh --hours 2 --out /tmp/soak. While it runs, summary.txt in the folder of "
               "--out holds the figures so far.")
    parser.add_argument("--hours", type=float, default=2.0, help="how long (default 2)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("soak-out"), help="folder of the results")
    parser.add_argument("--nice", type=int, default=0, help="run everything at this niceness")
    parser.add_argument("--entries", type=int, default=10_000, help="rows of the list")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two samples")
    args = parser.parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.nice(args.nice)
    work = out / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    cams = [Camera(ROOT / "samples/patrol.mp4"), Camera(ROOT / "samples/night-rain.mp4", cut_after_s=90.0)]
    broker = Broker(work / "broker")
    subscriber = Subscriber(broker, work)
    console = free_port()
    write_list(work / "list.csv", args.entries, 0)
    config = work / "box.toml"
    config.write_text(
        f'zone = "soak"\nbox = "box-1"\n[store]\ndir = "{work}/store"\n'
        f'[vision]\ndetector = "{ROOT}/models/detector.toml"\nreader = "{ROOT}/models/reader.toml"\n'
        + "".join(f'[[cameras]]\nname = "{name}"\nfile = "{ROOT}/samples/{name}.mp4"\npace = "real-time"\nrepeat = true\n'
                  for name in ("roadside-day", "crossing"))
        + "".join(f'[[cameras]]\nname = "live-{i}"\nmjpeg = "http://127.0.0.1:{c.port}/v"\n' for i, c in enumerate(cams))
        + f'[[hotlists]]\nname = "wanted"\npath = "{work}/list.csv"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\npublish_passages = true\n'
        f'[console]\nlisten = "127.0.0.1:{console}"\n'
    )
    box = log = None
    try:
        broker.up()
        subscriber.up()
        log = open(work / "box.log", "ab")
        restarts, rows = 0, []

        def start():
            return subprocess.Popen([program(), "run", "--config", str(config)], stdout=subprocess.DEVNULL, stderr=log,
                                    env=environment())

        box = start()
        wait_for("the box serves its metrics", lambda: metrics(console) or box.poll() is not None, 120)
        began = time.monotonic()
        rounds, lists = 0, 1
        with open(out / "samples.tsv", "w") as table:
            table.write("\t".join(COLUMNS) + "\n")
            while (elapsed := time.monotonic() - began) < args.hours * 3600:
                if box.poll() is not None:
                    restarts += 1  # must never happen; counted and started again, as systemd would
                    print(f"soak: the box ended with {box.returncode}", file=sys.stderr, flush=True)
                    box = start()
                    time.sleep(args.every)
                    continue
                if elapsed // LIST_EVERY_S > rounds:
                    rounds, lists = rounds + 1, lists + 1
                    write_list(work / "list.csv", args.entries, rounds)
                said = metrics(console)
                name = lambda m: said.get(f"platewatch_{m}", 0.0)
                row = {"seconds": elapsed, **process(box.pid), "frames": name("frames_received_total"),
                       "dropped": name("frames_dropped_total"), "passages": name("passages_total"),
                       "hits": name("hits_total"), "delivered": name("messages_delivered_total"),
                       "camera_restarts": name("camera_restarts_total"), "lists_loaded": lists,
                       "outbox_pending": name("outbox_pending"), "store_mb": size_mb(work / "store"), "restarts": restarts}
                if said:  # a sample without an answer would tear the counters down to 0
                    rows.append(row)
                    table.write("\t".join(f"{row[c]:.3f}".rstrip("0").rstrip(".") for c in COLUMNS) + "\n")
                    table.flush()
                    (out / "summary.txt").write_text(figures.summary(rows) + "\n")
                time.sleep(max(0.0, args.every - (time.monotonic() - began - elapsed)))
        box.send_signal(signal.SIGTERM)
        code = box.wait(120)
        if rows:
            title = f"platewatch run, {len(cams) + 2} cameras, {args.entries} entries, {rows[-1]['seconds'] / 3600:.1f} h"
            figures.plot(rows, out / "soak.svg", title)
        print(f"soak: the box ended with {code}", file=sys.stderr)
        print(figures.summary(rows), flush=True)
        return 0 if code == 0 and restarts == 0 else 1
    finally:
        if box and box.poll() is None:
            box.kill()
            box.wait()
        subscriber.down()
        broker.down()
        # The record of a soak is its samples and its log; the store may be gigabytes.
        if log:
            log.close()
            shutil.copy(work / "box.log", out / "box.log")
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
