"""Train the reader on photographs of clean plates and on real crops:

    python -m platewatch_training.reader.train CLEAN --val VAL_FOLDER --out RUN_FOLDER --minutes 40 [--real REAL]

The schedule runs on wall time (or, with `--steps`, on steps); elapsed time is
kept in the checkpoint, so a stopped run goes on where it was with the same
command.  Loss: cross entropy per step where the renderer knows what stands
there, fading; CTC over the two lines, growing.  bf16 autocast: twice as fast
as fp32 on processors with AMX; `--fp32` for others.
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
from .data import Shards, plain_crops
from .makers import IGNORE, Batches
from .model import BLANK, CLASSES, DESIGNS, SlotReader, greedy, widen

CLASS_WEIGHT = torch.ones(CLASSES)
# Most steps are blank: weigh them down so that early training cannot rest on saying nothing.
CLASS_WEIGHT[BLANK] = 0.5


def ramp(x: float, start: float, end: float) -> float:
    return min(1.0, max(0.0, (x - start) / (end - start)))


def tensors(batch: dict) -> dict:
    out = {name: torch.from_numpy(array.astype(np.int64)) for name, array in batch.items() if name != "images"}
    out["images"] = torch.from_numpy(batch["images"]).permute(0, 3, 1, 2).float()
    return out


def losses(outputs, batch, progress: float, warm: bool):
    """Weighted sum and its parts for one batch. `warm`: the weights read already, so CTC counts from the start."""
    logits, country_logits, line_logits, readable_logits = (o.float() for o in outputs)
    log_p = logits.log_softmax(-1)
    frame = F.nll_loss(log_p.reshape(-1, CLASSES), batch["steps"].reshape(-1), CLASS_WEIGHT, ignore_index=IGNORE)
    chosen = batch["lengths"] > 0
    ctc_weight = 1.0 if warm else ramp(progress, 0.03, 0.12)
    if ctc_weight > 0:
        lengths = batch["lengths"][chosen]
        ctc = F.ctc_loss(log_p[chosen].transpose(0, 1), batch["texts"][chosen], torch.full_like(lengths, log_p.shape[1]), lengths, blank=BLANK,
                         reduction="none", zero_infinity=True)
        ctc = (ctc / lengths).clamp(max=4.0).mean()  # an unreadable or mislabelled sample must not steer
    else:
        ctc = log_p.sum() * 0
    where = F.cross_entropy(country_logits, batch["country"], ignore_index=-1, label_smoothing=0.05)
    rows = F.cross_entropy(line_logits, batch["lines"], ignore_index=-1)
    sure = batch["purpose"] < 2
    readable = F.binary_cross_entropy_with_logits(readable_logits[sure, 0], (batch["purpose"][sure] == 1).float())
    frame_weight = 0.2 if warm else 1.0 - 0.8 * ramp(progress, 0.1, 0.5)
    total = frame_weight * frame + ctc_weight * ctc + 0.2 * where + 0.1 * rows + 0.2 * readable
    return total, {"frame": frame, "ctc": ctc, "country": where, "lines": rows, "readable": readable}


def slot_losses(outputs, batch):
    """The compared alternative: character and attention of each slot."""
    logits, scores = (o.float() for o in outputs)
    count, slots = logits.shape[:2]
    target = torch.full((count, slots), BLANK)
    place = torch.arange(slots)[None] < batch["lengths"][:, None]
    target[place] = batch["texts"][:, :slots][place]
    target[(batch["purpose"] == 0) | (batch["purpose"] == 2)] = IGNORE
    character = F.cross_entropy(logits.reshape(-1, CLASSES), target.reshape(-1), ignore_index=IGNORE)
    steps = batch["steps"].numpy()
    look = torch.full((count, slots), IGNORE)
    for i in range(count):  # slot k looks at the column of the k-th character, first line first
        runs, last = [], BLANK
        for t, k in enumerate(steps[i].tolist()):
            k = BLANK if k == IGNORE or t == 40 else k
            if k != BLANK and k != last:
                runs.append(t % 40 + 1 if t % 40 < 39 else 39)
            last = k
        if runs and len(runs) == int(batch["lengths"][i]):
            look[i, : len(runs)] = torch.tensor(runs)
    attention = F.cross_entropy(scores.reshape(-1, scores.shape[-1]), look.reshape(-1), ignore_index=IGNORE)
    return character + 0.3 * attention, {"character": character, "attention": attention}


@torch.no_grad()
def evaluate(model, shards: Shards, count: int = 1000) -> dict:
    """Full-plate accuracy on rendered validation plates, and how well junk is told apart."""
    model.eval()
    pictures, labels = shards.pictures[0][:count], shards.labels[0]
    count = len(pictures)
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


@torch.no_grad()
def evaluate_real(model, shards: Shards) -> float:
    """Full-plate accuracy on the held-out real crops."""
    model.eval()
    pictures, labels, right, total = shards.pictures[0], shards.labels[0], 0, 0
    for i in range(0, len(shards), 100):
        out = model(plain_crops(pictures[i : i + 100]).to(memory_format=torch.channels_last))
        texts = greedy(out[0], ALPHABET)
        for j, text in enumerate(texts):
            if labels["purpose"][i + j] == 1:
                right, total = right + (text == str(labels["texts"][i + j])), total + 1
    model.train()
    return right / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clean", type=Path, help="folder of clean plates (reader.clean)")
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--real-val", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--real", type=Path, help="folder of real crops (reader.real)")
    parser.add_argument("--real-share", type=float, default=0.15)
    parser.add_argument("--real-from", type=float, default=0.3, help="progress from which real crops are mixed in")
    parser.add_argument("--junk", type=Path, help="frames of what a detector took for a plate (reader.junk)")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--steps", type=int, help="schedule by steps instead of time (comparisons)")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--design", choices=list(DESIGNS), default="rows-large")
    parser.add_argument("--start", type=Path, help="weights to start from, of the same design or a narrower one")
    parser.add_argument("--makers", type=int, default=1)
    parser.add_argument("--uses", type=int, default=1, help="how often a sample is used, in another light (making one costs a third of learning it)")
    parser.add_argument("--report", type=float, default=180, help="seconds between reports")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fp32", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    batches = Batches(arguments.clean, arguments.real, arguments.junk, arguments.batch, arguments.seed, arguments.makers, uses=arguments.uses)
    model = DESIGNS[arguments.design](len(COUNTRIES)).to(memory_format=torch.channels_last)
    if arguments.start:
        widen(torch.load(arguments.start, weights_only=False)["average"], model)
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
    validation = Shards(arguments.val)
    real_validation = Shards(arguments.real_val) if arguments.real_val else None
    log = open(arguments.out / "log.jsonl", "a")
    floating = [(a, b) for a, b in zip(average.state_dict().values(), model.state_dict().values()) if a.dtype.is_floating_point]
    mean, last_report, waited, begun, first = {}, time.time(), 0.0, time.time(), step
    budget = arguments.minutes * 60
    while True:
        started = time.time()
        progress = step / arguments.steps if arguments.steps else elapsed / budget
        if progress >= 1:
            break
        batches.share.value = arguments.real_share if arguments.real and progress >= arguments.real_from else 0.0
        rate = arguments.rate * (min(1.0, (step + 1) / 200)) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = tensors(next(batches))
        waited += time.time() - started
        with torch.autocast("cpu", torch.bfloat16, enabled=not arguments.fp32):
            outputs = model(batch["images"].to(memory_format=torch.channels_last))
        loss, parts = slot_losses(outputs, batch) if arguments.design == "slots" else losses(outputs, batch, progress, arguments.start is not None)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        if step % 4 == 0:
            with torch.no_grad():
                keep = min(0.992, step / (step + 40))
                torch._foreach_lerp_([a for a, _ in floating], [b for _, b in floating], 1 - keep)
        for name, value in parts.items():
            mean[name] = 0.98 * mean.get(name, value.item()) + 0.02 * value.item()
        elapsed += time.time() - started
        if step % 100 == 0:
            spent = time.time() - begun
            print(step, f"{progress:.3f}", {k: round(v, 3) for k, v in mean.items()}, f"{(step - first) * arguments.batch / spent:.0f}/s, waiting {waited / spent:.2f}", flush=True)
            first, begun, waited = step, time.time(), 0.0
        if time.time() - last_report > arguments.report:
            scores = evaluate(average, validation, 500)
            if real_validation and arguments.design != "slots":
                scores["real"] = evaluate_real(average, real_validation)
            row = {"step": step, "seen": step * arguments.batch, "minutes": round(elapsed / 60, 1), **{k: round(float(v), 4) for k, v in {**mean, **scores}.items()}}
            print(row, flush=True)
            log.write(json.dumps(row) + "\n")
            log.flush()
            save(checkpoint, model, average, optimiser, step, elapsed, arguments.design)
            last_report = time.time()
    scores = evaluate(average, validation, 4000)
    if real_validation and arguments.design != "slots":
        scores["real"] = evaluate_real(average, real_validation)
    log.write(json.dumps({"step": step, "seen": step * arguments.batch, "minutes": round(elapsed / 60, 1), "final": True, **scores}) + "\n")
    print("final", scores, flush=True)
    save(checkpoint, model, average, optimiser, step, elapsed, arguments.design)
    for process in batches.processes:
        process.terminate()


def save(path: Path, model, average, optimiser, step: int, elapsed: float, design: str) -> None:
    partial = path.with_suffix(".partial")
    torch.save({"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "step": step,
                "elapsed": elapsed, "countries": COUNTRIES, "design": design}, partial)
    partial.replace(path)


if __name__ == "__main__":
    main()
