"""Export a checkpoint to ONNX, quantise it, and time both.

    python -m platewatch_training.detector.export CHECKPOINT.pt --out /work/scratch/detector/export

Writes `detector-fp32.onnx` and `detector-int8.onnx` (QDQ: unsigned 8-bit
activations, signed 8-bit weights per channel, calibrated on training pictures).
The last layer and what follows stay in float: box distances are exponents, and
eight bits would be too coarse for them.
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
from .evaluate import letterbox
from .network import Detector, shippable


def write_onnx(net: Detector, path: Path) -> None:
    torch.onnx.export(
        shippable(net), (torch.zeros(1, 3, 384, 640),), str(path), input_names=["image"], output_names=["score", "ltrb", "corners"],
        dynamic_axes={"image": {0: "n", 2: "h", 3: "w"}, **{k: {0: "n", 2: "gh", 3: "gw"} for k in ("score", "ltrb", "corners")}},
        opset_version=17, dynamo=False,
    )


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


def quantise(source: Path, target: Path, count: int, method: str, float_layers: tuple[str, ...] = ("head.1",)) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    convs = [n.name for n in onnx.load(source).graph.node if n.op_type == "Conv"]
    skip = [n for n in convs if any(layer.replace(".", "/") in n or layer in n for layer in float_layers)]
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
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    state = torch.load(options.checkpoint, weights_only=True)
    net = Detector()
    net.load_state_dict(state.get("mean", state))
    full, small = options.out / "detector-fp32.onnx", options.out / "detector-int8.onnx"
    write_onnx(net, full)
    simplify(full)
    quantise(full, small, options.pictures, options.method)
    for path in (full, small):
        low, middle = timing(path)
        print(json.dumps({"file": path.name, "bytes": path.stat().st_size, "ms_fastest": round(low, 2), "ms_middle": round(middle, 2)}))


if __name__ == "__main__":
    main()
