"""Weights of a smaller, earlier detector as the start of a wider and deeper one.

    python -m platewatch_training.detector.grow STORE training/checkpoints/detector-run1.pt --out START.pt

The new network computes at first what the old one did (Net2Net, Chen et al.
2016): old weights fill the first channels, new channels are random but not yet
listened to, new residual blocks add nothing, a new head layer passes through.
Batch norms are set by what they see on some training samples, so that they
change nothing either.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from .network import ConvNorm, Detector, prepare, save_mean
from .samples import Maker


def transplant(net: Detector, old: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies kernels; gives the old bias of each ConvNorm that had one."""
    biases = {}
    for name, layer in net.named_modules():
        if not isinstance(layer, ConvNorm):
            continue
        kernel = old.get(f"{name}.weight") if name != "head.1" else None  # the old one's last layer is `out` here
        weight = layer.conv.weight.data
        if kernel is not None:
            o, i = kernel.shape[:2]
            weight[:o] = 0
            weight[:o, :i] = kernel
            biases[name] = old[f"{name}.bias"]
        elif name.startswith("head"):
            nn.init.dirac_(weight)
            biases[name] = torch.zeros(weight.shape[0])
        elif name.endswith("expand"):
            layer.norm.weight.data.zero_()
    kernel, bias = old["head.1.weight"], old["head.1.bias"]
    net.out.weight.data.zero_()
    net.out.weight.data[:, : kernel.shape[1]] = kernel
    net.out.bias.data.copy_(bias)
    return biases


def settle(net: Detector, biases: dict[str, torch.Tensor], pixels: torch.Tensor) -> None:
    """Sets every norm so that old channels keep their old values, layer by layer."""
    hooks = []
    for name, layer in net.named_modules():
        if isinstance(layer, ConvNorm):

            def see(norm, inputs, name=name):
                x = inputs[0]
                mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(var)
                bias = biases.get(name)
                if bias is not None:
                    n = len(bias)
                    norm.weight.data[:n] = (var[:n] + norm.eps).sqrt()
                    norm.bias.data[:n] = bias + mean[:n]

            hooks.append(layer.norm.register_forward_pre_hook(see))
    with torch.no_grad():
        net.eval()(prepare(pixels))
    for hook in hooks:
        hook.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("old", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", default="small")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    maker = Maker(options.store, 1)
    pixels = torch.from_numpy(np.stack([maker.sample()[0] for _ in range(32)]))
    net = Detector(options.size)
    settle(net, transplant(net, torch.load(options.old, weights_only=True)), pixels)
    save_mean(options.out, net, 0)


if __name__ == "__main__":
    main()
