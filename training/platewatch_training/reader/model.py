"""The reader's networks.

`RowReader` (the shipped design): a small convolutional net brings the crop to
4 x 40 positions; each of the 40 columns is flattened over its height and mixed
with its neighbours and, through one attention layer, with the whole plate;
two heads then say for every column what stands there in the first and in the
second line.  Reading the 2 x 40 steps one line after the other is a CTC
sequence whose steps can be supervised directly, because the renderer knows
where each character stands.

`SlotReader` is the alternative it was compared with: learned slots look at the
same features, their attention supervised to lie on their character.
"""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

STEPS = 40
BLANK = 36
CLASSES = 37


class ConvUnit(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel=3, stride=1, padding=None):
        padding = kernel // 2 if padding is None else padding
        super().__init__(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True))


class Residual(nn.Module):
    """3x3 convolution through a narrower middle, added to its input."""

    def __init__(self, channels: int, middle: int):
        super().__init__()
        self.squeeze = ConvUnit(channels, middle, 1)
        self.spread = nn.Sequential(nn.Conv2d(middle, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return F.relu(x + self.spread(self.squeeze(x)))


class Trunk(nn.Module):
    """Crop (N x 3 x 64 x 160, 0..255) to features N x D x 40."""

    def __init__(self, widths=(32, 48, 80), dim=112, half: int = 0, deep: bool = False, fine: int = 0):
        super().__init__()
        b, c, d = widths
        # One step to a quarter of the size: full-size layers cost memory traffic, not arithmetic.
        # `half` channels at half size see thinner strokes, for twice the time.
        stem = [ConvUnit(3, half, 3, 2), ConvUnit(half, b, 3, 2)] if half else [ConvUnit(3, b, 6, 4, 1)]
        self.features = nn.Sequential(
            *stem,  # 16 x 40
            Residual(b, b // 2),
            ConvUnit(b, c, 3, (2, 1)),  # 8 x 40
            Residual(c, c // 2),
            ConvUnit(c, d, 3, (2, 1)),  # 4 x 40
            Residual(d, d // 2),
        )
        self.deeper = Residual(c, c // 2) if deep else None  # a second block at 8 x 40
        # A second stem that keeps `fine` channels at half size, added to the coarse one: what tells D from O and
        # Q from 0 is thinner than the coarse stem's 6 x 4 window. Starts as nothing, so that it can be added later.
        self.fine = nn.Sequential(ConvUnit(3, fine, 3, 2), nn.Conv2d(fine, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b)) if fine else None
        if fine:
            nn.init.zeros_(self.fine[-1].weight)
        self.column = nn.Sequential(nn.Conv1d(4 * d, dim, 1, bias=False), nn.BatchNorm1d(dim), nn.ReLU(True))

    def forward(self, image):
        x = (image - 127.5) * (1 / 64)
        seen = x
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i == 0 and self.fine is not None:
                x = F.relu(x + self.fine(seen))
            if self.deeper is not None and i == len(self.features) - 3:
                x = self.deeper(x)
        x = x.reshape(x.shape[0], x.shape[1] * 4, STEPS)
        return self.column(x)


class Mixer(nn.Module):
    """Neighbouring columns by a convolution, distant ones by attention."""

    def __init__(self, dim: int, heads: int = 4):
        super().__init__()
        self.near = nn.Sequential(nn.Conv1d(dim, dim, 5, 1, 2, groups=dim // 16, bias=False), nn.BatchNorm1d(dim), nn.ReLU(True), nn.Conv1d(dim, dim, 1))
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.position = nn.Parameter(torch.randn(1, STEPS, dim) * 0.02)

    def forward(self, x):
        x = x + self.near(x)
        y = x.transpose(1, 2) + self.position
        n, t, d = y.shape
        q, k, v = self.qkv(self.norm(y)).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        attention = (q @ k.transpose(-1, -2) * (d // self.heads) ** -0.5).softmax(-1)
        y = y + self.out((attention @ v).transpose(1, 2).reshape(n, t, d))
        return y.transpose(1, 2)


class RowReader(nn.Module):
    def __init__(self, countries: int, widths=(32, 48, 80), dim=112, half: int = 0, deep: bool = False, fine: int = 0, again: bool = False):
        super().__init__()
        self.trunk = Trunk(widths, dim, half, deep, fine)
        self.mixer = Mixer(dim)
        # A second look at the whole plate, when the first has made out most characters: what a place may hold
        # follows from what the others say. Starts as nothing.
        self.again = Mixer(dim) if again else None
        if again:
            for layer in (self.again.near[-1], self.again.out):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
            nn.init.zeros_(self.again.position)
        self.final = nn.Sequential(nn.Conv1d(dim, dim, 3, 1, 1, bias=False), nn.BatchNorm1d(dim), nn.ReLU(True))
        self.rows = nn.Conv1d(dim, 2 * CLASSES, 1)
        self.pool = nn.Sequential(nn.Linear(2 * dim, 96), nn.ReLU(True))
        self.country = nn.Linear(96, countries)
        self.lines = nn.Linear(96, 2)
        self.readable = nn.Linear(96, 1)
        with torch.no_grad():  # start by saying blank, mildly
            self.rows.bias[BLANK] = self.rows.bias[CLASSES + BLANK] = 1.0

    def forward(self, image):
        """Logits: steps N x 80 x 37, country, lines, readable."""
        x = self.mixer(self.trunk(image))
        if self.again is not None:
            x = self.again(x)
        x = x + self.final(x)
        rows = self.rows(x)
        steps = torch.cat([rows[:, :CLASSES], rows[:, CLASSES:]], 2).transpose(1, 2)
        pooled = self.pool(torch.cat([x.mean(2), x.amax(2)], 1))
        return steps, self.country(pooled), self.lines(pooled), self.readable(pooled)


class SlotReader(nn.Module):
    """Ten learned slots with supervised attention over the same 40 columns."""

    def __init__(self, countries: int, widths=(32, 48, 80), dim=112, slots: int = 12):
        super().__init__()
        self.trunk = Trunk(widths, dim)
        self.mixer = Mixer(dim)
        self.query = nn.Parameter(torch.randn(1, slots, dim) * 0.1)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.classify = nn.Linear(dim, CLASSES)

    def forward(self, image):
        x = self.mixer(self.trunk(image)).transpose(1, 2)
        scores = self.query @ self.key(x).transpose(1, 2) * x.shape[2] ** -0.5
        read = scores.softmax(-1) @ self.value(x)
        return self.classify(F.relu(read)), scores


DESIGNS = {
    "rows": lambda countries: RowReader(countries),
    "rows-large": lambda countries: RowReader(countries, (48, 80, 112), 128, 24),
    "rows-wide": lambda countries: RowReader(countries, (48, 80, 112), 112, 0, True),
    "rows-fine": lambda countries: RowReader(countries, (48, 88, 128), 112, 0, True, 24, True),
    "rows-broad": lambda countries: RowReader(countries, (64, 112, 160), 112, 0, True, 32, True),
    "slots": lambda countries: SlotReader(countries),
}


@torch.no_grad()
def widen(small: dict, large: nn.Module) -> None:
    """Put trained weights into a net with more channels so that it starts out computing the same.

    New channels start at random, but what they send to old channels starts at nothing; added blocks start as
    nothing (after Net2Net, Chen et al., ICLR 2016). `dim` must stay: the norm and the heads of attention go over it.
    """
    for name, new in large.state_dict().items():
        if name not in small:
            if name in ("trunk.deeper.spread.1.weight", "trunk.fine.2.weight"):
                new.zero_()
            continue
        old = small[name].to(new.dtype)
        if old.shape == new.shape:
            new.copy_(old)
            continue
        if new.ndim > 1:
            new[: old.shape[0]] = 0
        new[tuple(slice(0, n) for n in old.shape)] = old


def greedy(steps: torch.Tensor, alphabet: str) -> list[str]:
    """Collapse repeats and drop blanks, line by line."""
    out = []
    for row in steps.argmax(-1).tolist():
        text, last = "", BLANK
        for i, k in enumerate(row):
            if i == STEPS:
                last = BLANK
            if k != last and k != BLANK:
                text += alphabet[k]
            last = k
        out.append(text)
    return out
