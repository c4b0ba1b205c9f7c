"""Retrain only the last layers on stored features: what is possible when the processor is busy.

    python -m platewatch_training.detector.tune_head --warm EARLIER.onnx --out RUN

The body (strides 8 to 32 and the way back up) stays as it is. Its last map is
stored once for whole training pictures as the program sees them (half of them
those with mined candidates) and for cut-and-paste samples; `merge8` and `head`
are then trained on it for some epochs. A sample costs a tenth of full training.
Where the first network was sure of a plate its corners are kept as a lesson, so
that pictures with boxes only do not spoil what pasted plates taught.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from . import samples
from .evaluate import SIZE, letterbox
from .losses import detection_loss
from .network import Detector, decode_corners, prepare, warm_start
from .pictures import extra_labels, index, load_all


def body(net: Detector, x: torch.Tensor) -> torch.Tensor:
    """Everything before `merge8`."""
    fine = net.stem(x)
    middle = net.stride16(fine)
    coarse = net.stride32(middle)
    middle = net.merge16(net.lateral16(middle) + F.interpolate(net.lateral32(coarse), scale_factor=2.0))
    return net.lateral8(fine) + F.interpolate(middle, scale_factor=2.0)


def tail(net: Detector, features: torch.Tensor) -> torch.Tensor:
    return net.head(net.merge8(features))


def whole_pictures(pictures, rng: random.Random):
    """Pictures letterboxed as in use, a third of them mirrored, with encoded targets."""
    samples.HEIGHT, samples.WIDTH = SIZE
    for p in pictures:
        image = p.levels[0]
        flip = rng.random() < 0.33
        width = image.shape[1]
        padded, scale = letterbox(np.ascontiguousarray(image[:, ::-1]) if flip else image)

        def place(b):
            b = np.array(b, np.float32)
            return (np.array([width - b[2], b[1], width - b[0], b[3]], np.float32) if flip else b) * scale

        targets: list[samples.Target] = []
        for b in p.boxes:
            samples.add_box(targets, place(b))
        yield padded, samples.encode(targets, [place(b) for b in p.ignored]), p


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--pasted", type=int, default=900)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=60, help="a third for pictures, a fifth for samples, the rest to train")
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    net = Detector()
    warm_start(net, options.warm)
    net.eval()

    store: list[tuple] = []
    known = set(extra_labels())
    rows = index()
    first = [r for r in rows if r["image"] in known]
    rest = [r for r in rows if r["image"] not in known]
    rng.shuffle(first)
    rng.shuffle(rest)
    chosen = [r for pair in zip(first, rest) for r in pair] + rest[len(first) :]
    chosen = chosen[: options.pictures]
    started = time.time()
    late = lambda share: time.time() - started > 60 * options.minutes * share

    def keep(image, target) -> None:
        with torch.no_grad():
            features = body(net, prepare(torch.from_numpy(image)[None]).contiguous(memory_format=torch.channels_last))
            store.append((features[0].half(), decode_corners(tail(net, features))[0].half(), *(torch.from_numpy(t) for t in target)))

    pictures = (load_all([r])[0] for r in chosen)
    used = []
    for n, (image, target, picture) in enumerate(whole_pictures(pictures, rng)):
        keep(image, target)
        used.append(picture)
        if n % 50 == 0:
            print(f"stored {n} of {len(chosen)} pictures, {time.time() - started:.0f} s", flush=True)
        if late(0.35):
            break
    samples.HEIGHT, samples.WIDTH = 256, 448
    pasted = iter(samples.Stream(options.seed, pool=120, pictures=used))
    for n in range(options.pasted):
        image, *target = next(pasted)
        keep(image, target)
        if n % 50 == 0:
            print(f"stored {n} of {options.pasted} samples, {time.time() - started:.0f} s", flush=True)
        if late(0.55):
            break

    train(net, store, options, rng, started + 60 * options.minutes)


def train(net: Detector, store, options, rng: random.Random, deadline: float) -> None:
    parts = list(net.merge8.parameters()) + list(net.head.parameters())
    optimiser = torch.optim.AdamW(parts, options.rate, weight_decay=0.005)
    sizes: dict[tuple, list[int]] = {}
    for k, item in enumerate(store):
        sizes.setdefault(tuple(item[0].shape), []).append(k)
    per_epoch = sum(len(v) // 8 for v in sizes.values())
    total, step, started = per_epoch * options.epochs, 0, time.time()
    span = max(1.0, deadline - started)
    mean = [p.detach().clone() for p in parts]
    average: dict[str, float] = {}
    for _ in range(options.epochs):
        batches = []
        for group in sizes.values():
            rng.shuffle(group)
            batches += [group[k : k + 8] for k in range(0, len(group) - 7, 8)]
        rng.shuffle(batches)
        for batch in batches:
            features, teacher, what, box, corners, exact, weight = (torch.stack(x) for x in zip(*(store[k] for k in batch)))
            done = max(step / total, (time.time() - started) / span)
            if done >= 1:
                save(net, parts, mean, options.out / "final.pt")
                return
            for group in optimiser.param_groups:
                group["lr"] = options.rate * 0.5 * (1 + math.cos(math.pi * done)) * min(1.0, (step + 1) / 30) + 1e-6
            raw = tail(net, features.float().contiguous(memory_format=torch.channels_last))
            # Corners of real plates: stay with the first network; pasted ones are exact.
            loss, figures = detection_loss(raw, what, box, corners, exact, weight)
            taught = ((what > 0) & (exact == 0)).float() * weight
            away = F.smooth_l1_loss(decode_corners(raw) / 32, teacher.float() / 32, reduction="none", beta=0.05).sum(1)
            loss = loss + (away * taught).sum() / taught.sum().clamp(min=1.0)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parts, 5.0)
            optimiser.step()
            step += 1
            with torch.no_grad():
                for a, b in zip(mean, parts):
                    a.lerp_(b, 1 - min(0.99, step / (step + 10)))
            for k, v in figures.items():
                average[k] = v if k not in average else 0.97 * average[k] + 0.03 * v
            if step % 20 == 0:
                record = {"step": step, "of": total, "seconds": round(time.time() - started, 1), **{k: round(v, 4) for k, v in average.items()}}
                print(json.dumps(record), flush=True)
                with open(options.out / "log.jsonl", "a") as sink:
                    print(json.dumps(record), file=sink)
            if step % 100 == 0 or step == total:
                save(net, parts, mean, options.out / "final.pt")


def save(net: Detector, parts, mean, path: Path) -> None:
    """The averaged weights, without disturbing the run."""
    with torch.no_grad():
        kept = [p.detach().clone() for p in parts]
        for p, m in zip(parts, mean):
            p.copy_(m)
        torch.save(net.state_dict(), path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
        for p, k in zip(parts, kept):
            p.copy_(k)


if __name__ == "__main__":
    main()
