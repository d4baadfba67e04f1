"""Boxes: priors, decoding, suppression, detections. PyTorch itself has no layers for boxes."""

import torch


def prior_boxes(
    features: torch.Tensor,
    sizes: list[tuple[float, float]],
    offsets: list[tuple[float, float]],
    variances: list[float],
    image: tuple[float, float],
    step: tuple[float, float] | None,
    clip: bool,
) -> torch.Tensor:
    """SSD's priors (1, 2, P * 4): a box of each size (width, height) around each cell's centres."""
    height, width = features.shape[2:]
    down, right = step or (image[0] / height, image[1] / width)
    new = {"dtype": features.dtype, "device": features.device}
    centers = torch.tensor(offsets, **new)
    y = (torch.arange(height, **new)[:, None, None, None] + centers[:, 1]) * down
    x = (torch.arange(width, **new)[:, None, None] + centers[:, 0]) * right
    half = torch.tensor(sizes, **new)[:, None] / 2
    x, y = torch.broadcast_tensors(x, y)
    x, y = x.expand(height, width, len(sizes), -1), y.expand(height, width, len(sizes), -1)
    boxes = torch.stack(
        [
            (x - half[..., 0]) / image[1],
            (y - half[..., 1]) / image[0],
            (x + half[..., 0]) / image[1],
            (y + half[..., 1]) / image[0],
        ],
        -1,
    )
    boxes = boxes.clamp(0, 1) if clip else boxes
    return torch.stack([boxes, torch.tensor(variances, **new).expand_as(boxes)]).reshape(1, 2, -1)


def decode_boxes(
    codes: torch.Tensor, priors: torch.Tensor, kind: str, extent: float = 0
) -> torch.Tensor:
    """Boxes (..., 4) from the codes that move and resize priors (..., 4)."""
    if kind == "CORNER":
        return priors + codes
    size = priors[..., 2:] - priors[..., :2] + extent
    if kind == "CORNER_SIZE":
        return priors + codes * torch.cat([size, size], -1)
    center = codes[..., :2] * size + priors[..., :2] + size / 2
    half = codes[..., 2:].exp() * size / 2
    return torch.cat([center - half, center + half], -1)


def box_areas(boxes: torch.Tensor, extent: float) -> torch.Tensor:
    """Areas; 0 for boxes whose corners are exchanged."""
    size = boxes[..., 2:] - boxes[..., :2]
    return torch.where((size < 0).any(-1), torch.zeros_like(size[..., 0]), (size + extent).prod(-1))


def box_overlaps(one: torch.Tensor, others: torch.Tensor, extent: float = 0) -> torch.Tensor:
    """Intersection over union of a box with others; 0 where nothing is shared."""
    size = torch.minimum(one[2:], others[:, 2:]) - torch.maximum(one[:2], others[:, :2]) + extent
    shared = torch.where((size > 0).all(1), size.prod(1), torch.zeros_like(size[:, 0]))
    union = box_areas(one, extent) + box_areas(others, extent) - shared
    return torch.where(
        shared > 0, shared / torch.where(shared > 0, union, torch.ones_like(union)), shared
    )


def suppress_boxes(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    threshold: float,
    eta: float = 1.0,
    top_k: int = -1,
    extent: float = 0,
    limit: int = -1,
) -> torch.Tensor:
    """Indices of the boxes, best first, that overlap no better one by more than the threshold.

    Of the `top_k` best; equal scores go by index. `eta` lowers a threshold above 0.5 step by step.
    """
    order = scores.argsort(dim=0, descending=True, stable=True)
    order = order if top_k < 0 else order[:top_k]
    boxes = boxes[order]
    kept: list[int] = []
    rest = torch.arange(len(boxes), device=boxes.device)
    worst = boxes.new_zeros(len(boxes))  # the largest overlap of each with a kept one
    while len(rest) and len(kept) != limit:
        kept.append(int(rest[0]))
        worst = torch.maximum(worst, box_overlaps(boxes[rest[0]], boxes[rest], extent))
        if eta < 1 and threshold > 0.5:
            threshold *= eta
        alive = worst <= threshold
        alive[0] = False
        rest, worst = rest[alive], worst[alive]
    return order[kept]


def detection_rows(found: list[torch.Tensor]) -> torch.Tensor:
    """Detections (K, 6) of each image as (1, 1, K, 7); a row of -1 for each image without any."""
    if not any(len(each) for each in found):
        found = [each.new_full((1, 6), -1.0) for each in found]
    rows = [
        torch.cat([each.new_full((len(each), 1), float(i)), each], 1)
        for i, each in enumerate(found)
    ]
    return torch.cat(rows)[None, None]


@torch.no_grad()
def detection_output(
    location: torch.Tensor,
    confidence: torch.Tensor,
    priors: torch.Tensor,
    classes: int,
    background: int,
    code: str,
    shared: bool,
    variances: bool,
    threshold: float,
    overlap: float,
    eta: float,
    top_k: int,
    keep_top_k: int,
) -> torch.Tensor:
    """SSD's detections: rows (image, label, score, xmin, ymin, xmax, ymax), without a gradient."""
    boxes, given = priors.reshape(2, -1, 1, 4)
    codes = location.reshape(len(location), len(boxes), 1 if shared else classes, 4)
    decoded = decode_boxes(codes * given if variances else codes, boxes, code)
    scores = confidence.reshape(len(location), len(boxes), classes)
    found = []
    for image in range(len(location)):
        parts = [decoded.new_zeros(0, 6)]
        for label in range(classes):
            if label == background:
                continue
            chosen = (scores[image, :, label] > threshold).nonzero()[:, 0]
            box, score = (
                decoded[image, chosen, 0 if shared else label],
                scores[image, chosen, label],
            )
            kept = suppress_boxes(box, score, overlap, eta, top_k)
            labels = box.new_full((len(kept), 1), float(label))
            parts.append(torch.cat([labels, score[kept, None], box[kept]], 1))
        together = torch.cat(parts)
        if 0 <= keep_top_k < len(together):
            best = together[:, 1].argsort(dim=0, descending=True, stable=True)[:keep_top_k]
            together = together[best.sort().values]
        found.append(together)
    return detection_rows(found)


@torch.no_grad()
def proposals(
    scores: torch.Tensor,
    codes: torch.Tensor,
    info: torch.Tensor,
    anchors: list[tuple[float, ...]],
    stride: tuple[float, float],
    min_size: tuple[float, float],
    candidates: int,
    kept: int,
    overlap: float,
    keep_small: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A region proposal network's best boxes as rows (image, x1, y1, x2, y2), and their scores."""
    count, (height, width) = len(anchors), scores.shape[2:]
    new = {"dtype": codes.dtype, "device": codes.device}
    right = (torch.arange(width, **new) * stride[1]).expand(height, width)
    down = (torch.arange(height, **new) * stride[0])[:, None].expand(height, width)
    shifts = torch.stack([right, down, right, down], -1)
    priors = (shifts[:, :, None] + torch.tensor(anchors, **new)).reshape(-1, 4)
    info = info.reshape(info.shape[0], -1).expand(len(scores), -1)
    rows, best = [], []
    for image, (high, wide, *scale) in enumerate(info.tolist()):
        wanted = scores[image, count:].permute(1, 2, 0).reshape(-1)
        boxes = decode_boxes(
            codes[image].permute(1, 2, 0).reshape(-1, 4), priors, "CENTER_SIZE", extent=1
        )
        limits = torch.tensor([wide - 1, high - 1, wide - 1, high - 1], **new)
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        large = (sides[:, 1] >= min_size[0] * scale[0]) & (sides[:, 0] >= min_size[1] * scale[-1])
        valid = ~(boxes.isnan().any(1) | wanted.isnan())
        if keep_small:
            wanted = torch.where(large, wanted, torch.zeros_like(wanted))
        else:
            valid = valid & large
        boxes, wanted = boxes[valid], wanted[valid]
        if not len(boxes):
            boxes, wanted = limits.clone()[None], limits.new_zeros(1)
            boxes[:, :2] = 0
        order = suppress_boxes(
            boxes,
            wanted,
            overlap,
            top_k=candidates if candidates > 0 else -1,
            extent=1,
            limit=kept if kept > 0 else -1,
        )
        rows.append(torch.cat([boxes.new_full((len(order), 1), float(image)), boxes[order]], 1))
        best.append(wanted[order])
    return torch.cat(rows), torch.cat(best)
