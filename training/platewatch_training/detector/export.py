"""Export a checkpoint to ONNX, calibrate its score, quantise it, and time both.

    python -m platewatch_training.detector.export RUN/final.pt --out /work/scratch/detector/export

Writes `detector-fp32.onnx` and `detector-int8.onnx` (QDQ: unsigned 8-bit
activations, signed 8-bit weights per channel, ranges taken from training pictures).
The last layer and what follows stay in float: box distances are exponents, and
eight bits would be too coarse for them.

The score is calibrated on `val` (Platt 1999: the logit times a slope plus an
offset, so that of detections scored 0.8 eight in ten are right) and both numbers
are folded into the last layer.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from ..plates.fonts import data_root
from .evaluate import Onnx, collect, letterbox, load as load_set
from .network import Detector, load, shippable


def write_onnx(net: Detector, path: Path, slope: float, offset: float) -> None:
    torch.onnx.export(
        shippable(net, slope, offset), (torch.zeros(1, 3, 384, 640),), str(path), input_names=["image"], output_names=["score", "ltrb", "corners"],
        dynamic_axes={"image": {0: "n", 2: "h", 3: "w"}, **{k: {0: "n", 2: "gh", 3: "gw"} for k in ("score", "ltrb", "corners")}},
        opset_version=17, dynamo=False,
    )


def platt(hits: list) -> tuple[float, float]:
    """Slope and offset of the logit that make scores the share of right detections."""
    score = np.clip(np.array([h[0] for h in hits]), 1e-4, 1 - 1e-4)
    x = torch.tensor(np.log(score / (1 - score)))
    y = torch.tensor([float(h[1]) for h in hits], dtype=torch.float64)
    p = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([p], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        solver.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x * p[0] + p[1], y)
        loss.backward()
        return loss

    solver.step(closure)
    return float(p[0].detach()), float(p[1].detach())


def calibration_error(hits: list, steps: int = 10) -> float:
    """Expected calibration error of scores from 0.1 up."""
    hits = [h for h in hits if h[0] >= 0.1]
    error = 0.0
    for k in range(steps):
        part = [h for h in hits if k / steps <= h[0] < (k + 1) / steps + (k == steps - 1)]
        if part:
            error += len(part) / len(hits) * abs(np.mean([h[0] for h in part]) - np.mean([h[1] for h in part]))
    return float(error)


def simplify(path: Path) -> None:
    """Fold constants once, so that the quantiser sees plain convolutions."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(str(path), options)


def calibration(count: int):
    """Training pictures as the program would show them, some darkened like the night."""
    from onnxruntime.quantization import CalibrationDataReader

    rows = [json.loads(line) for line in open(data_root() / "train.jsonl")]
    night = [r for r in rows if r["source"] == "robertlucian"]
    rows = rows[:: max(1, len(rows) // count)] + night[:: max(1, len(night) // (count // 4))]

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.items = iter(rows)

        def get_next(self):
            row = next(self.items, None)
            if row is None:
                return None
            image, _ = letterbox(cv2.imread(str(data_root() / row["image"])))
            return {"image": image.transpose(2, 0, 1)[None].astype(np.float32)}

    return Reader()


def quantise(source: Path, target: Path, count: int, method: str, float_layers: tuple[str, ...]) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    convs = [n.name for n in onnx.load(source).graph.node if n.op_type == "Conv"]
    skip = [n for n in convs if any(layer in n for layer in float_layers)]
    quantize_static(
        str(source), str(target), calibration(count), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=["Conv", "Add", "Resize", "Relu"],
        nodes_to_exclude=skip, calibrate_method=CalibrationMethod[method],
    )


def timing(path: Path, runs: int = 25) -> tuple[float, float]:
    """Fastest and middle milliseconds of processor time at 384 x 640, one thread.

    Processor time, not the clock: the machine that trains is seldom idle.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options)
    image = np.random.default_rng(1).integers(0, 255, (1, 3, 384, 640)).astype(np.float32)
    times = []
    for _ in range(runs):
        start = time.process_time()
        session.run(None, {"image": image})
        times.append(1000 * (time.process_time() - start))
    return min(times), sorted(times)[runs // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--method", default="Percentile", choices=("MinMax", "Percentile", "Entropy"))
    parser.add_argument("--float", nargs="*", default=["/out"], help="layers that stay in float")
    parser.add_argument("--plain", action="store_true", help="no calibration of the score")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    net = load(options.checkpoint)
    full, small = options.out / "detector-fp32.onnx", options.out / "detector-int8.onnx"
    slope, offset = 1.0, 0.0
    if not options.plain:
        write_onnx(net, full, 1.0, 0.0)
        hits = [h for e in collect(Onnx(full), load_set("val")).values() for h in e["hits"] if not h[4]]
        slope, offset = platt(hits)
        changed = [(1 / (1 + np.exp(-(slope * np.log(h[0] / (1 - min(h[0], 0.9999))) + offset))), h[1]) for h in hits]
        print(json.dumps({"slope": round(slope, 3), "offset": round(offset, 3), "calibration_error_before": round(calibration_error(hits), 4), "after": round(calibration_error(changed), 4)}))
    write_onnx(net, full, slope, offset)
    simplify(full)
    quantise(full, small, options.pictures, options.method, tuple(options.float))
    for path in (full, small):
        low, middle = timing(path)
        print(json.dumps({"file": path.name, "bytes": path.stat().st_size, "ms_fastest": round(low, 2), "ms_middle": round(middle, 2)}))


if __name__ == "__main__":
    main()
