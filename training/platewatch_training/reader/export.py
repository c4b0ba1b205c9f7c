"""Write the reader as ONNX with its card:

    python -m platewatch_training.reader.export RUN/checkpoint.pt MODELS_FOLDER [--version X] [--temperature T]

Softmax and the calibration temperature are inside the graph: matching uses
the probabilities as they come out.  `--onnx` writes the card of a file made of
this checkpoint already (quantised), and copies it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
import torch.nn as nn

from .. import camera
from ..plates import ALPHABET
from .model import BLANK, DESIGNS, STEPS, RowReader


class Exported(nn.Module):
    """The reader with probabilities instead of logits."""

    def __init__(self, reader: RowReader, temperature: float, country_temperature: float, readable_temperature: float):
        super().__init__()
        self.reader = reader
        self.temperatures = (temperature, country_temperature, readable_temperature)

    def forward(self, plates):
        steps, country, lines, readable = self.reader(plates)
        t, c, r = self.temperatures
        return (steps / t).softmax(-1), (country / c).softmax(-1), lines.softmax(-1), (readable / r).sigmoid()


def write_onnx(reader: RowReader, path: Path, temperatures=(1.0, 1.0, 1.0)) -> None:
    torch.onnx.export(Exported(reader.eval(), *temperatures), (torch.rand(2, 3, camera.CROP_HEIGHT, camera.CROP_WIDTH) * 255,), str(path), dynamo=False,
                      input_names=["plates"], output_names=["probabilities", "country", "lines", "readable"], opset_version=17,
                      dynamic_axes={name: {0: "n"} for name in ("plates", "probabilities", "country", "lines", "readable")})


def card(path: Path, countries: list[str], version: str, extra: str = "") -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'''# Card of {path.name}
task = "plate-reading"
version = "{version}"
sha256 = "{digest}"
input = {{ name = "plates", layout = "NCHW", channels = "RGB", range = [0.0, 255.0], width = {camera.CROP_WIDTH}, height = {camera.CROP_HEIGHT}, margin_x = {camera.TIGHT_X}, margin_y = {camera.TIGHT_Y} }}
output = {{ kind = "ctc", name = "probabilities", rows = 2, steps = {STEPS}, alphabet = "{ALPHABET}", blank = {BLANK}, country = "country", countries = {json.dumps(countries)}, lines = "lines", readable = "readable" }}
{extra}'''


def load(path: Path) -> tuple[RowReader, list[str]]:
    state = torch.load(path, weights_only=False, map_location="cpu")
    reader = DESIGNS[state.get("design", "rows")](len(state["countries"]))
    reader.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state["average"].items()})
    return reader.eval(), state["countries"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", default="0")
    parser.add_argument("--temperatures", type=float, nargs=3, default=(1.0, 1.0, 1.0), help="characters, country, readable")
    parser.add_argument("--onnx", type=Path, help="the model, where it is made already (reader.quantise)")
    parser.add_argument("--notes", type=Path, help="TOML tables to append to the card ([training], [accuracy], ...)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    reader, countries = load(arguments.checkpoint)
    path = arguments.folder / "reader.onnx"
    if arguments.onnx:
        path.write_bytes(arguments.onnx.read_bytes())
    else:
        write_onnx(reader, path, tuple(arguments.temperatures))
    notes = arguments.notes.read_text() if arguments.notes else ""
    (arguments.folder / "reader.toml").write_text(card(path, countries, arguments.version, notes))
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
