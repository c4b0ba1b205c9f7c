"""What the detector is punished for, and which cells have to answer for which plate.

The score of a cell is taught how well its box really overlaps the plate
(varifocal loss), stretched so that an overlap of 0.75 counts as right, and less
for plates of a few pixels: those cannot overlap better. Corners are taught
exactly on rendered plates; on real ones only their bounding box is known.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from .network import STRIDE, decode_box, decode_corners

LEAST_WIDTH, LEAST_HEIGHT = 9, 2.4  # px: smaller is neither plate nor background


def encode(targets: np.ndarray, ignored: np.ndarray, height: int, width: int) -> tuple[np.ndarray, ...]:
    """`targets` n x 13 (box, corners, exact?) and ignored boxes to grids.

    `what` per cell: number of the plate + 1 in its middle, -1 where nothing is
    asked, else 0. `about` per plate: box, corners, exact?, weight of a cell.
    """
    gh, gw = height // STRIDE, width // STRIDE
    what = np.zeros((gh, gw), np.int64)
    about = np.zeros((max(1, len(targets)), 14), np.float32)

    def cells(x0, y0, x1, y1):
        return (slice(int(min(gh, max(0, y0 // STRIDE))), int(min(gh, max(0, y1 // STRIDE + 1)))),
                slice(int(min(gw, max(0, x0 // STRIDE))), int(min(gw, max(0, x1 // STRIDE + 1)))))

    for b in ignored:
        what[cells(*b)] = -1
    kept = []
    for t in targets:
        x0, y0, x1, y1 = np.clip(t[:4], 0, [width, height, width, height])
        w, h = t[2] - t[0], t[3] - t[1]
        share = max(0.0, x1 - x0) * max(0.0, y1 - y0) / max(1e-3, w * h)
        if share < 0.05:
            continue
        if share < 0.55 or w < LEAST_WIDTH or h < LEAST_HEIGHT:
            what[cells(x0, y0, x1, y1)] = -1
        else:
            kept.append((w, x0, y0, x1, y1, t))
    kept.sort(key=lambda k: -k[0])
    for w, x0, y0, x1, y1, _ in kept:
        # The rim of a large plate is background, else the ends of it are found as plates of their own.
        mx, my = (0.12 * (x1 - x0), 0.0) if w > 64 else (0.0, 0.0)
        what[cells(x0 + mx, y0 + my, x1 - mx, y1 - my)] = -1
    for number, (w, x0, y0, x1, y1, t) in enumerate(kept):
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        rx, ry = max((x1 - x0) * 0.2, 4.1), max((y1 - y0) * 0.24, 4.1)
        i0, i1 = max(0, math.ceil((cx - rx) / STRIDE - 0.5)), min(gw - 1, math.floor((cx + rx) / STRIDE - 0.5))
        j0, j1 = max(0, math.ceil((cy - ry) / STRIDE - 0.5)), min(gh - 1, math.floor((cy + ry) / STRIDE - 0.5))
        what[j0 : j1 + 1, i0 : i1 + 1] = number + 1
        about[number, :4] = x0, y0, x1, y1
        about[number, 4:13] = t[4:13]
        # A large plate must not outweigh many small ones.
        about[number, 13] = 1 / math.sqrt(max(1, (i1 - i0 + 1) * (j1 - j0 + 1)))
    return what, about


def overlap(got: torch.Tensor, want: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """IoU and generalised IoU of n x 4 distances (left, top, right, bottom) from the same cells."""
    inner_w = torch.min(got[:, 0], want[:, 0]) + torch.min(got[:, 2], want[:, 2])
    inner_h = torch.min(got[:, 1], want[:, 1]) + torch.min(got[:, 3], want[:, 3])
    inner = inner_w.clamp(0) * inner_h.clamp(0)
    area = lambda d: (d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3])
    union = (area(got) + area(want) - inner).clamp(min=1.0)
    outer_w = torch.max(got[:, 0], want[:, 0]) + torch.max(got[:, 2], want[:, 2])
    outer_h = torch.max(got[:, 1], want[:, 1]) + torch.max(got[:, 3], want[:, 3])
    outer = (outer_w * outer_h).clamp(min=1.0)
    iou = inner / union
    return iou, iou - (outer - union) / outer


def detection_loss(raw: torch.Tensor, what: torch.Tensor, about: list[torch.Tensor]) -> tuple[torch.Tensor, dict[str, float]]:
    """`raw` N x 13 x gh x gw (float32), `what` N x gh x gw, `about` one table per sample."""
    at, j, i = (what > 0).nonzero(as_tuple=True)
    first = torch.tensor(np.cumsum([0] + [len(a) for a in about])[:-1])
    row = torch.cat(about)[first[at] + what[at, j, i] - 1]
    centre = torch.stack([(i + 0.5) * STRIDE, (j + 0.5) * STRIDE], 1)
    w = row[:, 13]
    total = w.sum().clamp(min=1.0)
    picked = raw[at, :, j, i]
    boxes = decode_box(picked)
    wanted = torch.cat([centre - row[:, :2], row[:, 2:4] - centre], 1)
    iou, giou = overlap(boxes, wanted)
    box_loss = ((1 - giou) * w).sum() / total

    # Corners relative to the plate's size, so that small plates count as much.
    points = decode_corners(picked)
    span = torch.stack([wanted[:, 0] + wanted[:, 2], wanted[:, 1] + wanted[:, 3]], 1)
    size = span.clamp(min=6.0)
    known = row[:, 12]
    exact = F.smooth_l1_loss(points / size.repeat(1, 4), (row[:, 4:12] - centre.repeat(1, 4)) / size.repeat(1, 4), reduction="none", beta=0.05)
    xs, ys = points[:, 0::2], points[:, 1::2]
    sides = torch.stack([-torch.min(xs[:, 0], xs[:, 3]), -torch.min(ys[:, 0], ys[:, 1]), torch.max(xs[:, 1], xs[:, 2]), torch.max(ys[:, 2], ys[:, 3])], 1)
    framed = F.smooth_l1_loss(sides / size.repeat(1, 2), wanted / size.repeat(1, 2), reduction="none", beta=0.05)
    corner_loss = ((exact.sum(1) * known + 0.2 * framed.sum(1) * (1 - known)) * w).sum() / total

    # Half a pixel off at each side costs a plate 4 px high a fifth of its overlap.
    small = ((span[:, 1] - 2.5) / 6.5).clamp(0, 1)
    quality = ((iou.detach() - 0.1 - 0.2 * small) / (0.4 + 0.05 * small)).clamp(0.05, 1.0)
    score_pos = (F.binary_cross_entropy_with_logits(picked[:, 0], quality, reduction="none") * quality * w).sum()
    n = raw[:, 0][what == 0]
    score_neg = (F.softplus(n) * n.detach().sigmoid() ** 2).sum() * 0.75
    score_loss = (score_pos + score_neg) / total
    loss = score_loss + 1.5 * box_loss + corner_loss
    return loss, {"score": float(score_loss.detach()), "box": float(box_loss.detach()), "corner": float(corner_loss.detach()), "iou": float((iou.detach() * w).sum() / total)}
