"""The detector's network: three strides down, two up, one dense head at stride 8.

Only convolutions with bias and ReLU: nothing to fold before export, and ReLU
activations are what 8-bit unsigned quantisation likes best.  Input is BGR,
0..255; `x / 64` is folded into the first convolution at export, so that the
quantised model takes the picture's bytes as they are.

Channels per cell: 0 score logit; 1-4 log of left, top, right, bottom / 8;
5-12 offsets to the four corners / 16.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

INPUT_SCALE = 64.0
BOX_SCALE = 8.0
CORNER_SCALE = 16.0
# Layers by where the first, quickly trained detector keeps the same ones.
ONNX_NAMES = {
    "stem.0": "s8/s8.0/s8.0.0", "stem.1": "s8/s8.1/s8.1.0", "stem.2": "s8/s8.2/s8.2.0",
    "stem.3.squeeze": "s8/s8.3/a/a.0", "stem.3.expand": "s8/s8.3/b/b.0",
    "stride16.0": "s16/s16.0/s16.0.0", "stride16.1.squeeze": "s16/s16.1/a/a.0", "stride16.1.expand": "s16/s16.1/b/b.0",
    "stride16.2.squeeze": "s16/s16.2/a/a.0", "stride16.2.expand": "s16/s16.2/b/b.0",
    "stride32.0": "s32/s32.0/s32.0.0", "stride32.1.squeeze": "s32/s32.1/a/a.0", "stride32.1.expand": "s32/s32.1/b/b.0",
    "stride32.2.squeeze": "s32/s32.2/a/a.0", "stride32.2.expand": "s32/s32.2/b/b.0",
    "stride32.3.squeeze": "s32/s32.3/a/a.0", "stride32.3.expand": "s32/s32.3/b/b.0",
    "lateral32": "l32/l32.0", "lateral16": "l16/l16.0", "merge16": "m16/m16.0", "lateral8": "l8/l8.0", "merge8": "m8/m8.0",
    "head.0": "h/h.0/h.0.0", "head.1": "h/h.1",
}


class ConvRelu(nn.Conv2d):
    """Convolution with bias, then ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2)

    def forward(self, x):
        return F.relu(super().forward(x))


class Residual(nn.Module):
    """Squeeze to half the channels, a 3x3 back, added to what came in."""

    def __init__(self, channels: int):
        super().__init__()
        self.squeeze = ConvRelu(channels, channels // 2, 1)
        self.expand = nn.Conv2d(channels // 2, channels, 3, 1, 1)

    def forward(self, x):
        return F.relu(x + self.expand(self.squeeze(x)))


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(ConvRelu(3, 16, 3, 2), ConvRelu(16, 32, 3, 2), ConvRelu(32, 64, 3, 2), Residual(64))
        self.stride16 = nn.Sequential(ConvRelu(64, 96, 3, 2), Residual(96), Residual(96))
        self.stride32 = nn.Sequential(ConvRelu(96, 128, 3, 2), Residual(128), Residual(128), Residual(128))
        self.lateral32, self.lateral16, self.lateral8 = ConvRelu(128, 64, 1), ConvRelu(96, 64, 1), ConvRelu(64, 48, 1)
        self.merge16, self.merge8 = ConvRelu(64, 48), ConvRelu(48, 48)
        self.head = nn.Sequential(ConvRelu(48, 48), nn.Conv2d(48, 13, 1))
        nn.init.constant_(self.head[1].bias[:1], -5.0)

    def forward(self, x):
        """Raw channels from pixels already divided by `INPUT_SCALE`."""
        fine = self.stem(x)
        middle = self.stride16(fine)
        coarse = self.stride32(middle)
        middle = self.merge16(self.lateral16(middle) + F.interpolate(self.lateral32(coarse), scale_factor=2.0))
        fine = self.merge8(self.lateral8(fine) + F.interpolate(middle, scale_factor=2.0))
        return self.head(fine)


def prepare(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 N x H x W x 3 to the network's input."""
    return pixels.permute(0, 3, 1, 2).float() / INPUT_SCALE


def decode_box(raw: torch.Tensor) -> torch.Tensor:
    return raw[:, 1:5].clamp(-4, 5).exp() * BOX_SCALE


def decode_corners(raw: torch.Tensor) -> torch.Tensor:
    return raw[:, 5:13] * CORNER_SCALE


def warm_start(net: Detector, path: str) -> None:
    """Take the weights of an ONNX detector with the same layers.

    That one subtracts 114 before dividing; its first bias takes that over.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    convs = {n.name: n for n in graph.node if n.op_type == "Conv"}
    for ours, theirs in ONNX_NAMES.items():
        node = convs[f"/m/{theirs}/Conv"]
        layer = net.get_submodule(ours)
        weight, bias = np.array(values[node.input[1]]), np.array(values[node.input[2]])
        if ours == "stem.0":
            bias = bias - weight.sum((1, 2, 3)) * 114.0 / INPUT_SCALE
        layer.weight.data.copy_(torch.from_numpy(weight))
        layer.bias.data.copy_(torch.from_numpy(bias))


class Shipped(nn.Module):
    """The network as exported: 0..255 in; probabilities and pixels out."""

    def __init__(self, net: Detector):
        super().__init__()
        self.net = net

    def forward(self, image):
        raw = self.net(image)
        return raw[:, :1].sigmoid(), decode_box(raw), decode_corners(raw)


def shippable(net: Detector) -> Shipped:
    """A copy whose first convolution takes 0..255."""
    import copy

    net = copy.deepcopy(net).eval().float()
    net.stem[0].weight.data /= INPUT_SCALE
    return Shipped(net).eval()
