"""Eight-bit integers for the exported reader, and what that costs and brings:

    python -m platewatch_training.reader.quantise reader.onnx reader-int8.onnx --clean CLEAN --real REAL --val VAL --real-val REAL-VAL

QDQ with unsigned 8-bit activations and signed 8-bit weights per channel; ranges
are taken from training samples (rendered ones, and real crops as they are cut).
The first layer, attention, heads and softmax stay in float: few multiplications, and
probabilities are what matching uses.  Prints, for both files, bytes, processor
time a plate alone and in batches of four and eight, and what they read right.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from .data import H, Shards, W
from .looks import cut
from .propose import collapse, session


def samples(clean: Path, real: Path, count: int) -> np.ndarray:
    """Crops (N x 3 x 64 x 160 float32) of the kind the trainer sees, half of them real."""
    from .real import PAD_X, PAD_Y, RealCrops
    from .snap import Camera, CleanPlates

    plates, crops, taker = CleanPlates(clean), RealCrops(real), Camera(4242, 40)
    out = []
    for i in range(count):
        if i % 2:
            out.append(taker.real(crops.get(taker.rng.randrange(len(crops)))[0], PAD_X, PAD_Y))
        else:
            out.append(taker.rendered(plates)[0])
    return np.stack(out).transpose(0, 3, 1, 2).astype(np.float32)


def simplify(source: Path, target: Path) -> None:
    """Fold constants and batch norms once, so that the quantiser sees plain convolutions."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


def quantise(source: Path, target: Path, crops: np.ndarray, method: str, kinds: list[str], exclude: list[str]) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.items = iter(np.array_split(crops, max(1, len(crops) // 16)))

        def get_next(self):
            part = next(self.items, None)
            return None if part is None else {"plates": part}

    folded = target.with_suffix(".folded")
    simplify(source, folded)
    skip = [node.name for node in onnx.load(folded).graph.node if any(word in node.name for word in exclude)]
    quantize_static(str(folded), str(target), Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, op_types_to_quantize=kinds, nodes_to_exclude=skip, calibrate_method=CalibrationMethod[method])
    folded.unlink()


def timing(path: Path, runs: int = 60) -> dict:
    """Least and middle processor milliseconds a plate, one thread, one by one and together."""
    reader, out = session(path), {}
    for n in (1, 4, 8):
        x = (np.random.default_rng(0).random((n, 3, H, W)) * 255).astype(np.float32)
        times = []
        for _ in range(runs):
            start = time.process_time()
            reader.run(None, {"plates": x})
            times.append((time.process_time() - start) / n * 1000)
        out[f"batch {n}"] = [round(min(times), 3), round(float(np.median(times)), 3)]
    return out


def accuracy(path: Path, folder: Path, count: int) -> dict:
    """Full plates and countries read right in one cut, and how readable plates and others are told apart."""
    reader, shards = session(path), Shards(folder)
    labels, right, total, country, known, judged = shards.labels[0], 0, 0, 0, 0, []
    for start in range(0, min(count, len(shards)), 50):
        out = reader.run(None, {"plates": cut([np.asarray(p) for p in shards.pictures[0][start : start + 50]])})
        for j in range(len(out[0])):
            k = start + j
            judged.append((out[3][j, 0] > 0.5) == (labels["purpose"][k] == 1))
            if labels["purpose"][k] != 1:
                continue
            total += 1
            ok = collapse(out[0][j])[0] == str(labels["texts"][k])
            right += ok
            if ok and labels["country"][k] >= 0:
                known += 1
                country += int(out[1][j].argmax()) == labels["country"][k]
    return {"plates": total, "right": round(right / total, 4), "country": round(country / max(1, known), 4), "judged": round(float(np.mean(judged)), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--real-val", type=Path, required=True)
    parser.add_argument("--only", action="store_true", help="measure the result alone")
    parser.add_argument("--samples", type=int, default=192)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--method", default="MinMax", choices=("MinMax", "Percentile", "Entropy"))
    parser.add_argument("--kinds", nargs="+", default=["Conv", "Add", "Relu"], help="operators to quantise")
    parser.add_argument("--float", nargs="*", default=["/reader/rows", "/reader/pool", "/mixer/qkv", "/mixer/out", "/trunk/features.0/"], help="parts of node names that stay in float")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    quantise(arguments.source, arguments.target, samples(arguments.clean, arguments.real, arguments.samples), arguments.method, arguments.kinds, arguments.float)
    for path in (arguments.target,) if arguments.only else (arguments.source, arguments.target):
        print(json.dumps({"file": path.name, "bytes": path.stat().st_size, "ms": timing(path), "rendered": accuracy(path, arguments.val, arguments.count),
                          "held-out": accuracy(path, arguments.real_val, 10_000)}), flush=True)


if __name__ == "__main__":
    main()
