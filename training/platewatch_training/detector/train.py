"""Train the detector for a given time; resumable.

    python -m platewatch_training.detector.train STORE --out RUN --minutes 60

One process trains, another makes samples (started and ended here), each on one
thread. bf16 autocast: with AMX that is four times, with AVX512-BF16 twice as fast as
float32, on others use --float32. The rate falls as a cosine of the time used,
so a run may be planned by the clock. `--resume` goes on from `last.pt` in --out,
`--start FILE` begins a new run with the averaged weights of another.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from .losses import detection_loss, encode
from .network import Detector, load, prepare, save_mean
from .ring import HEIGHT, WIDTH, Ring

CUT_HEIGHT, CUT_WIDTH = 256, 448
MIRROR = [2, 3, 0, 1, 6, 7, 4, 5]  # corner coordinates of a mirrored plate: top-right becomes top-left


def cut(image: np.ndarray, targets: np.ndarray, ignored: np.ndarray, rng: np.random.Generator):
    """A part of a stored sample, half of the time mirrored."""
    x, y = int(rng.integers(WIDTH - CUT_WIDTH + 1)), int(rng.integers(HEIGHT - CUT_HEIGHT + 1))
    image = image[y : y + CUT_HEIGHT, x : x + CUT_WIDTH]
    targets[:, :12] -= np.tile([x, y], 6)
    ignored -= np.tile([x, y], 2)
    if rng.random() < 0.5:
        image = image[:, ::-1]
        for boxes in (targets, ignored):
            boxes[:, [0, 2]] = CUT_WIDTH - boxes[:, [2, 0]]
        corners = targets[:, 4:12].copy()
        corners[:, 0::2] = CUT_WIDTH - corners[:, 0::2]
        targets[:, 4:12] = corners[:, MIRROR]
    what, about = encode(targets, ignored, CUT_HEIGHT, CUT_WIDTH)
    return np.ascontiguousarray(image), what, about


def batches(ring: Ring, size: int, seed: int):
    rng = np.random.default_rng(seed)
    while True:
        parts = [cut(*ring.draw(rng), rng) for _ in range(size)]
        yield torch.from_numpy(np.stack([p[0] for p in parts])), torch.from_numpy(np.stack([p[1] for p in parts])), [torch.from_numpy(p[2]) for p in parts]


def save(path: Path, state: dict) -> None:
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--size", default="small", choices=("small", "large"))
    parser.add_argument("--start", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--float32", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    net = load(options.start) if options.start else Detector(options.size)
    mean = copy.deepcopy(net)
    net = net.train().to(memory_format=torch.channels_last)
    slim = [p for n, p in net.named_parameters() if p.ndim > 1]
    rest = [p for n, p in net.named_parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": slim, "weight_decay": 0.03}, {"params": rest, "weight_decay": 0.0}], options.rate)
    step, used = 0, 0.0
    if options.resume and (options.out / "last.pt").exists():
        state = torch.load(options.out / "last.pt", weights_only=True)
        net.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, used = state["step"], state["used"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the maker ends as well
    folder = Path(tempfile.mkdtemp(prefix="ring-", dir="/dev/shm"))
    ring = Ring(folder)
    maker = subprocess.Popen([sys.executable, "-m", "platewatch_training.detector.samples", str(options.store), str(folder), "--seed", str(options.seed + 1000 + step)])
    try:
        ring.wait(600)
        run(options, net, mean, optimiser, ring, step, used)
    finally:
        maker.terminate()
        maker.wait()
        for part in folder.iterdir():
            part.unlink()
        folder.rmdir()


def run(options, net, mean, optimiser, ring: Ring, step: int, used: float) -> None:
    source = batches(ring, options.batch, options.seed + 7 * step)
    average, first, started = {}, step, time.time()
    start, saved, made = time.time() - used, time.time(), int(ring.next[0])
    state = lambda: {"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "used": used, "size": net.size}
    while True:
        used = time.time() - start
        done = min(1.0, used / (60 * options.minutes))
        if done >= 1.0:
            break
        rate = options.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))) * min(1.0, (step + 1) / 150)
        for group in optimiser.param_groups:
            group["lr"] = rate
        pixels, what, about = next(source)
        ring.drawn[0] += options.batch
        with torch.autocast("cpu", torch.bfloat16, enabled=not options.float32):
            raw = net(prepare(pixels).contiguous(memory_format=torch.channels_last))
        loss, parts = detection_loss(raw.float(), what, about)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        keep = min(0.998, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(mean.state_dict().values(), net.state_dict().values()):
                a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)
        for k, v in parts.items():
            average[k] = v if k not in average else 0.98 * average[k] + 0.02 * v
        if step % 25 == 0:
            taken = (step - first) * options.batch
            record = {"step": step, "samples": step * options.batch, "minutes": round(used / 60, 2), "rate": round(rate, 6), "per_second": round(taken / (time.time() - started), 1),
                      "made": int(ring.next[0]) - made, **{k: round(v, 4) for k, v in average.items()}}
            with open(options.out / "log.jsonl", "a") as sink:
                print(json.dumps(record), file=sink)
        if time.time() - saved > 120:
            saved = time.time()
            save(options.out / "last.pt", state())
    save(options.out / "last.pt", state())
    save_mean(options.out / "final.pt", mean, step)


if __name__ == "__main__":
    main()
