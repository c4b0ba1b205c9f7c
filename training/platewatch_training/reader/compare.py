"""Designs side by side at small scale, all fed the very same batches:

    python -m platewatch_training.reader.compare CLEAN --val VAL --out OUT.jsonl --steps 300

Each design has its own optimiser; one sample maker feeds them all, so that
nothing differs but the net and its loss.  The schedule is the trainer's.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import torch

from ..plates import COUNTRIES
from .data import Shards
from .makers import Batches
from .model import DESIGNS
from .train import evaluate, losses, slot_losses, tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--designs", nargs="+", default=["rows", "slots", "rows-wide"])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--every", type=int, default=100, help="steps between measurements")
    parser.add_argument("--count", type=int, default=500, help="validation pictures measured")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    batches = Batches(arguments.clean, None, None, arguments.batch, 77)
    validation = Shards(arguments.val)
    models, optimisers, averages, spent = {}, {}, {}, dict.fromkeys(arguments.designs, 0.0)
    for name in arguments.designs:
        models[name] = DESIGNS[name](len(COUNTRIES)).to(memory_format=torch.channels_last)
        averages[name] = copy.deepcopy(models[name]).eval()
        optimisers[name] = torch.optim.AdamW(models[name].parameters(), arguments.rate, weight_decay=0.02)
    with open(arguments.out, "a") as log:
        for step in range(1, arguments.steps + 1):
            progress = step / arguments.steps
            rate = arguments.rate * min(1.0, step / 60) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            batch = tensors(next(batches))
            for name, model in models.items():
                start = time.process_time()
                for group in optimisers[name].param_groups:
                    group["lr"] = rate
                with torch.autocast("cpu", torch.bfloat16):
                    outputs = model(batch["images"].to(memory_format=torch.channels_last))
                loss, _ = slot_losses(outputs, batch) if name == "slots" else losses(outputs, batch, progress, False)
                optimisers[name].zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
                optimisers[name].step()
                spent[name] += time.process_time() - start
                with torch.no_grad():
                    for a, b in zip(averages[name].state_dict().values(), model.state_dict().values()):
                        a.lerp_(b, 0.05) if a.dtype.is_floating_point else a.copy_(b)
            if step % arguments.every == 0 or step == arguments.steps:
                for name in models:
                    scores = evaluate(averages[name], validation, arguments.count)
                    row = {"design": name, "step": step, "samples": step * arguments.batch, "cpu_seconds": round(spent[name], 1), "plate": round(float(scores["plate"]), 4)}
                    print(row, flush=True)
                    log.write(json.dumps(row) + "\n")
                    log.flush()
    for process in batches.processes:
        process.terminate()


if __name__ == "__main__":
    main()
