"""Train the detector for a given time; resumable.

    python -m platewatch_training.detector.train --out /work/scratch/detector/run1 --minutes 60 \
        --warm /path/to/earlier/detector.onnx

One process trains, one makes samples, each on one thread. The rate falls as a
cosine of the time used, so a run may be planned by the clock. `--resume` goes on
from `last.pt` in --out, whatever time is left of --minutes.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import torch

from .losses import detection_loss
from .network import Detector, prepare, warm_start
from .samples import Stream


def collate(items):
    import numpy as np

    return [torch.from_numpy(np.stack(part)) for part in zip(*items)]


def save(path: Path, **state) -> None:
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--warm", help="ONNX detector to take the first weights from")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--freeze", type=int, default=2, help="first layers of the stem left as they are: saves a quarter of the time")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    net = Detector()
    if options.warm:
        warm_start(net, options.warm)
    net = net.to(memory_format=torch.channels_last)
    for layer in net.stem[: options.freeze]:
        layer.requires_grad_(False)
    mean = copy.deepcopy(net)
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], options.rate, weight_decay=0.01)
    step, used = 0, 0.0
    if options.resume and (options.out / "last.pt").exists():
        state = torch.load(options.out / "last.pt", weights_only=True)
        net.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, used = state["step"], state["used"]
    loader = iter(torch.utils.data.DataLoader(Stream(options.seed + 1000 * step), batch_size=options.batch, num_workers=1, prefetch_factor=6, collate_fn=collate))
    batch = next(loader)  # the clock starts when samples flow
    start, saved, average, first = time.time() - used, time.time(), {}, step
    while True:
        used = time.time() - start
        done = min(1.0, used / (60 * options.minutes))
        if done >= 1.0:
            break
        rate = options.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))) * min(1.0, (step + 1) / 80)
        for group in optimiser.param_groups:
            group["lr"] = rate
        pixels, *targets = batch
        raw = net(prepare(pixels).contiguous(memory_format=torch.channels_last))
        loss, parts = detection_loss(raw, *targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        keep = min(0.998, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(mean.parameters(), net.parameters()):
                a.lerp_(b, 1 - keep)
        for k, v in parts.items():
            average[k] = v if k not in average else 0.98 * average[k] + 0.02 * v
        if step % 25 == 0:
            speed = (step - first) * options.batch / max(1e-3, time.time() - start - (0 if first == 0 else 0))
            record = {"step": step, "samples": step * options.batch, "minutes": round(used / 60, 2), "rate": round(rate, 6), "per_second": round(speed, 1), **{k: round(v, 4) for k, v in average.items()}}
            with open(options.out / "log.jsonl", "a") as sink:
                print(json.dumps(record), file=sink)
            print(json.dumps(record), flush=True)
        if time.time() - saved > 180:
            saved = time.time()
            save(options.out / "last.pt", net=net.state_dict(), mean=mean.state_dict(), optimiser=optimiser.state_dict(), step=step, used=used)
        batch = next(loader)
    save(options.out / "last.pt", net=net.state_dict(), mean=mean.state_dict(), optimiser=optimiser.state_dict(), step=step, used=used)
    torch.save(mean.state_dict(), options.out / "final.pt")


if __name__ == "__main__":
    main()
