"""The detector's network: three strides down, two up, one dense head at stride 8.

Convolution, batch norm and ReLU only: the norms fold away at export, and ReLU
activations are what 8-bit unsigned quantisation likes best.  Input is BGR,
0..255; the division by `INPUT_SCALE` is folded into the first convolution at
export, so that the quantised model takes the picture's bytes as they are.

Channels per cell: 0 score logit; 1-4 log of left, top, right, bottom / 8;
5-12 offsets to the four corners / 16.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

INPUT_SCALE = 64.0
BOX_SCALE = 8.0
CORNER_SCALE = 16.0
STRIDE = 8


class ConvNorm(nn.Module):
    """Convolution, batch norm and, unless told otherwise, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.03)
        self.relu = relu

    def forward(self, x):
        x = self.norm(self.conv(x))
        return F.relu(x, inplace=True) if self.relu else x

    def fold(self) -> None:
        self.conv = fuse_conv_bn_eval(self.conv, self.norm)
        self.norm = nn.Identity()


class Residual(nn.Module):
    """Squeeze to half the channels, a 3x3 back, added to what came in."""

    def __init__(self, channels: int):
        super().__init__()
        self.squeeze = ConvNorm(channels, channels // 2, 1)
        self.expand = ConvNorm(channels // 2, channels, 3, relu=False)

    def forward(self, x):
        return F.relu(x + self.expand(self.squeeze(x)))


def twice(x: torch.Tensor) -> torch.Tensor:
    """Each cell as two by two: one Resize node when exported."""
    return F.interpolate(x, scale_factor=2.0)


# channels at strides 2, 4, 8, 16, 32; residual blocks at 8, 16, 32; top-down channels; head channels; head layers
SIZES = {
    "small": ((16, 32, 64, 128, 192), (2, 3, 3), 96, 64, 2),
    "large": ((24, 48, 96, 160, 224), (3, 4, 4), 128, 96, 2),
}


class Detector(nn.Module):
    def __init__(self, size: str = "small"):
        super().__init__()
        (c2, c4, c8, c16, c32), (n8, n16, n32), top, head, layers = SIZES[size]
        self.size = size
        self.stem = nn.Sequential(ConvNorm(3, c2, 3, 2), ConvNorm(c2, c4, 3, 2), ConvNorm(c4, c8, 3, 2), *(Residual(c8) for _ in range(n8)))
        self.stride16 = nn.Sequential(ConvNorm(c8, c16, 3, 2), *(Residual(c16) for _ in range(n16)))
        self.stride32 = nn.Sequential(ConvNorm(c16, c32, 3, 2), *(Residual(c32) for _ in range(n32)))
        self.lateral32, self.lateral16, self.lateral8 = ConvNorm(c32, top, 1), ConvNorm(c16, top, 1), ConvNorm(c8, head, 1)
        self.merge16, self.merge8 = ConvNorm(top, head), ConvNorm(head, head)
        self.head = nn.Sequential(*(ConvNorm(head, head) for _ in range(layers)))
        self.out = nn.Conv2d(head, 13, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)
        nn.init.constant_(self.out.bias[:1], -5.0)
        nn.init.constant_(self.out.bias[1:5], 0.7)

    def forward(self, x):
        """Raw channels from pixels already divided by `INPUT_SCALE`."""
        fine = self.stem(x)
        middle = self.stride16(fine)
        coarse = self.stride32(middle)
        middle = self.merge16(self.lateral16(middle) + twice(self.lateral32(coarse)))
        fine = self.merge8(self.lateral8(fine) + twice(middle))
        return self.out(self.head(fine))


def prepare(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 N x H x W x 3 to the network's input, centred so that the first norm has less to do."""
    return pixels.permute(0, 3, 1, 2).float() / INPUT_SCALE


def decode_box(raw: torch.Tensor) -> torch.Tensor:
    return raw[:, 1:5].clamp(-4, 5).exp() * BOX_SCALE


def decode_corners(raw: torch.Tensor) -> torch.Tensor:
    return raw[:, 5:13] * CORNER_SCALE


class Shipped(nn.Module):
    """The network as exported: 0..255 in; probabilities and pixels out.

    `slope` and `offset` calibrate the score (Platt scaling of the logit).
    """

    def __init__(self, net: Detector, slope: float = 1.0, offset: float = 0.0):
        super().__init__()
        self.net = net
        with torch.no_grad():
            net.out.weight[:1] *= slope
            net.out.bias[:1] = net.out.bias[:1] * slope + offset

    def forward(self, image):
        raw = self.net(image)
        return raw[:, :1].sigmoid(), decode_box(raw), decode_corners(raw)


def shippable(net: Detector, slope: float = 1.0, offset: float = 0.0) -> Shipped:
    """A copy with its norms folded and a first convolution that takes 0..255."""
    net = copy.deepcopy(net).float().eval()
    for layer in net.modules():
        if isinstance(layer, ConvNorm):
            layer.fold()
    net.stem[0].conv.weight.data /= INPUT_SCALE
    return Shipped(net, slope, offset).eval()


def load(path) -> Detector:
    """The averaged weights of a checkpoint."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = Detector(state["size"])
    net.load_state_dict(state["mean"])
    return net.eval()


def save_mean(path, net: Detector, step: int) -> None:
    torch.save({"mean": net.state_dict(), "size": net.size, "step": step}, path)
