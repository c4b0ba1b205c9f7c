"""Train the reader on rendered shards and real crops:

    python -m platewatch_training.reader.train SHARDS --val VAL_FOLDER --out RUN_FOLDER --minutes 80

The schedule runs on training time, not on steps, because the machine is
shared; elapsed time is kept in the checkpoint, so a stopped run goes on where
it was with the same command.  Loss: cross entropy per step where the renderer
knows what stands there, fading; CTC over the two lines, growing.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from ..plates import ALPHABET, COUNTRIES
from .data import IGNORE, Batches, Shards, plain_crops
from .model import BLANK, CLASSES, RowReader, SlotReader, greedy


def ramp(x: float, start: float, end: float) -> float:
    return min(1.0, max(0.0, (x - start) / (end - start)))


def losses(model, batch, progress: float):
    """Weighted sum and its parts for one batch."""
    images, steps, texts, purpose, country, lines = batch
    logits, country_logits, line_logits, readable_logits = model(images.to(memory_format=torch.channels_last))
    log_p = logits.log_softmax(-1)
    # Most steps are blank: weigh them down so that early training cannot rest on saying nothing.
    weight = torch.ones(CLASSES)
    weight[BLANK] = 0.5
    frame = F.nll_loss(log_p.reshape(-1, CLASSES), steps.reshape(-1), weight, ignore_index=IGNORE)
    chosen = [i for i, text in enumerate(texts) if text]
    ctc_weight = ramp(progress, 0.04, 0.2)
    if chosen and ctc_weight > 0:
        lengths = torch.tensor([len(texts[i]) for i in chosen])
        flat = torch.tensor([k for i in chosen for k in texts[i]])
        ctc = F.ctc_loss(log_p[chosen].transpose(0, 1), flat, torch.full_like(lengths, log_p.shape[1]), lengths, blank=BLANK,
                         reduction="none", zero_infinity=True)
        ctc = (ctc / lengths).clamp(max=4.0).mean()  # an unreadable or mislabelled sample must not steer
    else:
        ctc = log_p.sum() * 0
    where = F.cross_entropy(country_logits, country, ignore_index=-1, label_smoothing=0.03)
    rows = F.cross_entropy(line_logits, lines, ignore_index=-1)
    readable = F.binary_cross_entropy_with_logits(readable_logits[:, 0], (purpose == 1).float())
    frame_weight = 1.0 - 0.8 * ramp(progress, 0.15, 0.6)
    total = frame_weight * frame + ctc_weight * ctc + 0.15 * where + 0.1 * rows + 0.2 * readable
    return total, {"frame": frame, "ctc": ctc, "country": where, "lines": rows, "readable": readable}


def slot_losses(model, batch):
    """The compared alternative: character and attention of each slot."""
    images, steps, texts, *_ = batch
    logits, scores = model(images.to(memory_format=torch.channels_last))
    slots = logits.shape[1]
    target = torch.full((len(texts), slots), BLANK)
    for i, text in enumerate(texts):
        target[i, : len(text)] = torch.tensor(text[:slots], dtype=torch.long)
    character = F.cross_entropy(logits.reshape(-1, CLASSES), target.reshape(-1))
    both = torch.where(steps[:, :40] >= 0, steps[:, :40], torch.full_like(steps[:, :40], BLANK))
    attention, count = logits.sum() * 0, 0
    for i, text in enumerate(texts):  # one-line plates only: slot k looks at the k-th run of labelled steps
        runs, last = [], BLANK
        for t, k in enumerate(both[i].tolist()):
            if k != BLANK and k != last:
                runs.append(t)
            last = k
        if len(runs) == len(text) and text:
            attention = attention + F.cross_entropy(scores[i, : len(runs)], torch.tensor(runs))
            count += 1
    return character + 0.5 * attention / max(1, count), {"character": character}


@torch.no_grad()
def evaluate(model, shards: Shards, count: int = 1000) -> dict:
    """Full-plate accuracy on rendered validation plates, and how well junk is told apart."""
    model.eval()
    pictures, labels = shards.pictures[0][:count], shards.labels[0]
    right = total = country = readable = lines = 0
    for i in range(0, count, 100):
        out = model(plain_crops(pictures[i : i + 100]).to(memory_format=torch.channels_last))
        if isinstance(model, SlotReader):
            texts = ["".join(ALPHABET[k] for k in row if k != BLANK) for row in out[0].argmax(-1).tolist()]
        else:
            texts = greedy(out[0], ALPHABET)
        for j, text in enumerate(texts):
            k = i + j
            purpose = labels["purpose"][k]
            if not isinstance(model, SlotReader):
                readable += (out[3][j, 0] > 0) == (purpose == 1)
            if purpose == 1:
                total += 1
                right += text == str(labels["texts"][k])
                if not isinstance(model, SlotReader):
                    country += int(out[1][j].argmax()) == labels["country"][k]
                    lines += int(out[2][j].argmax()) + 1 == labels["lines"][k]
    model.train()
    return {"plate": right / total, "country": country / total, "lines": lines / total, "readable": float(readable) / count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--real", type=Path, help="folder of real crops (see reader.propose)")
    parser.add_argument("--real-share", type=float, default=0.2)
    parser.add_argument("--real-from", type=float, default=0.5, help="progress from which real crops are mixed in")
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--steps", type=int, help="schedule by steps instead of time (comparisons)")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--design", choices=["rows", "slots"], default="rows")
    parser.add_argument("--start", type=Path, help="weights to start from")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = (RowReader if arguments.design == "rows" else SlotReader)(len(COUNTRIES)).to(memory_format=torch.channels_last)
    if arguments.start:
        model.load_state_dict(torch.load(arguments.start, weights_only=False)["average"])
    average = copy.deepcopy(model).eval()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}], arguments.rate)
    step, elapsed = 0, 0.0
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=False)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, elapsed = state["step"], state["elapsed"]
    shards, validation = Shards(arguments.shards), Shards(arguments.val)
    batches = Batches(shards, arguments.seed + step, arguments.batch)
    log = open(arguments.out / "log.jsonl", "a")
    mean, last_save, last_report = {}, time.time(), step
    budget = arguments.minutes * 60
    while True:
        started = time.time()
        progress = step / arguments.steps if arguments.steps else elapsed / budget
        if progress >= 1:
            break
        if arguments.real and batches.real is None and progress >= arguments.real_from and list(arguments.real.glob("*.npz")):
            batches.real, batches.real_share = Shards(arguments.real), arguments.real_share
        rate = arguments.rate * (min(1.0, (step + 1) / 200)) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = next(batches)
        loss, parts = losses(model, batch, progress) if arguments.design == "rows" else slot_losses(model, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            keep = min(0.998, step / (step + 20))
            for a, b in zip(average.state_dict().values(), model.state_dict().values()):
                if a.dtype.is_floating_point:
                    a.lerp_(b, 1 - keep)
                else:
                    a.copy_(b)
        for name, value in parts.items():
            mean[name] = 0.98 * mean.get(name, value.item()) + 0.02 * value.item()
        elapsed += time.time() - started
        if step % 100 == 0:
            print(step, f"{progress:.3f}", {k: round(v, 3) for k, v in mean.items()}, f"{arguments.batch / (time.time() - started):.0f}/s", flush=True)
        due = time.time() - last_save > 240 or (arguments.steps and step % 250 == 0)
        if due and step > last_report:
            shards.refresh()
            scores = evaluate(average, validation)
            row = {"step": step, "seen": step * arguments.batch, "minutes": round(elapsed / 60, 1), "rendered": len(shards), **{k: round(v, 4) for k, v in {**mean, **scores}.items()}}
            print(row, flush=True)
            log.write(json.dumps(row) + "\n")
            log.flush()
            save(checkpoint, model, average, optimiser, step, elapsed)
            last_save, last_report = time.time(), step
    scores = evaluate(average, validation, 4000)
    log.write(json.dumps({"step": step, "seen": step * arguments.batch, "minutes": round(elapsed / 60, 1), "final": True, **scores}) + "\n")
    print("final", scores, flush=True)
    save(checkpoint, model, average, optimiser, step, elapsed)


def save(path: Path, model, average, optimiser, step: int, elapsed: float) -> None:
    partial = path.with_suffix(".partial")
    torch.save({"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "step": step,
                "elapsed": elapsed, "countries": COUNTRIES}, partial)
    partial.replace(path)


if __name__ == "__main__":
    main()
