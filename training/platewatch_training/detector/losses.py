"""What the detector is punished for.

The score of a cell is taught the overlap its box really has (varifocal loss), so
that a badly framed plate scores less than a well framed one. Corners are taught
exactly on rendered plates; on real ones only their bounding box is known.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .network import decode_box, decode_corners


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


def detection_loss(raw: torch.Tensor, what, box, corners, exact, weight) -> tuple[torch.Tensor, dict[str, float]]:
    logit = raw[:, 0]
    positive = what > 0
    pick = lambda x: x.permute(0, 2, 3, 1)[positive]
    w = weight[positive]
    total = w.sum().clamp(min=1.0)
    boxes, wanted = pick(decode_box(raw)), pick(box)
    iou, giou = overlap(boxes, wanted)
    box_loss = ((1 - giou) * w).sum() / total

    # Corners relative to the plate's size, so that small plates count as much.
    points, size = pick(decode_corners(raw)), torch.stack([wanted[:, 0] + wanted[:, 2], wanted[:, 1] + wanted[:, 3]], 1).clamp(min=8.0)
    unit = torch.stack([size[:, 0], size[:, 1]] * 4, 1)
    known = exact[positive]
    exact_loss = (F.smooth_l1_loss(points / unit, pick(corners) / unit, reduction="none", beta=0.05).sum(1) * known * w).sum() / total
    xs, ys = points[:, 0::2], points[:, 1::2]
    sides = torch.stack([-torch.min(xs[:, 0], xs[:, 3]), -torch.min(ys[:, 0], ys[:, 1]), torch.max(xs[:, 1], xs[:, 2]), torch.max(ys[:, 2], ys[:, 3])], 1)
    four = torch.cat([size, size], 1)
    side_loss = (F.smooth_l1_loss(sides / four, wanted / four, reduction="none", beta=0.05).sum(1) * (1 - known) * w).sum() / total
    corner_loss = exact_loss + 0.6 * side_loss

    quality = iou.detach().clamp(0.05, 1.0)
    p = logit[positive]
    score_pos = (F.binary_cross_entropy_with_logits(p, quality, reduction="none") * quality * w).sum()
    background = what == 0
    n = logit[background]
    score_neg = (F.softplus(n) * n.detach().sigmoid() ** 2).sum() * 0.75
    score_loss = (score_pos + score_neg) / total
    loss = score_loss + 1.5 * box_loss + 1.0 * corner_loss
    return loss, {"score": float(score_loss), "box": float(box_loss), "corner": float(corner_loss), "iou": float((iou * w).sum() / total)}
