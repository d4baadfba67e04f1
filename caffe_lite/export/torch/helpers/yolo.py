"""YOLO's predictions as detections."""

import torch

from caffe_lite.export.torch.helpers.boxes import detection_rows, suppress_boxes


def yolo_boxes(
    position: torch.Tensor,
    size: torch.Tensor,
    anchors: list[tuple[float, float]],
    cell: float = 1,
) -> torch.Tensor:
    """Boxes (H, W, A, 4) x, y, width, height in fractions of the image, from cells' predictions."""
    height, width = position.shape[:2]
    new = {"dtype": position.dtype, "device": position.device}
    grid = torch.tensor([width, height], **new)
    column = torch.arange(width, **new).expand(height, width)
    row = torch.arange(height, **new)[:, None].expand(height, width)
    center = (position + torch.stack([column, row], -1)[:, :, None]) / grid
    return torch.cat([center, size.exp() * torch.tensor(anchors, **new) / (grid * cell)], -1)


def yolo_detect(
    labels: torch.Tensor, scores: torch.Tensor, boxes: torch.Tensor, threshold: float
) -> torch.Tensor:
    """Rows (label, score, xmin, ymin, xmax, ymax) that overlap no better one by the threshold."""
    half = boxes[:, 2:] / 2
    corners = torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], 1)
    below = torch.tensor(threshold).nextafter(torch.tensor(-1.0)).item()
    kept = suppress_boxes(corners, scores, below)
    return torch.cat([labels[kept, None].to(boxes.dtype), scores[kept, None], corners[kept]], 1)


@torch.no_grad()
def yolo2_output(
    *maps: torch.Tensor,
    boxes: int,
    anchors: list[tuple[float, float]],
    threshold: float,
    overlap: float,
) -> torch.Tensor:
    """YOLO version 2: each box has one class, the likeliest."""
    found = []
    for image in range(len(maps[0])):
        labels, scores, places = [], [], []
        for each in maps:
            x = each[image].unflatten(0, (boxes, -1)).permute(2, 3, 0, 1)
            best = x[..., 5:].softmax(-1).max(-1)
            product = x[..., 4].sigmoid() * best.values
            chosen = product >= threshold
            labels.append(best.indices[chosen] + 1)
            scores.append(product[chosen])
            places.append(yolo_boxes(x[..., :2].sigmoid(), x[..., 2:4], anchors)[chosen])
        found.append(yolo_detect(torch.cat(labels), torch.cat(scores), torch.cat(places), overlap))
    return detection_rows(found)


@torch.no_grad()
def yolo3_output(
    *maps: torch.Tensor,
    boxes: int,
    anchors: list[list[tuple[float, float]]],
    cells: list[float],
    gaussian: bool,
    threshold: float,
    overlap: float,
) -> torch.Tensor:
    """YOLO version 3: a box is a detection of every class that scores enough."""
    position, size, object_at = ([0, 2], [4, 6], 8) if gaussian else ([0, 1], [2, 3], 4)
    found = []
    for image in range(len(maps[0])):
        labels, scores, places = [], [], []
        for each, own, cell in zip(maps, anchors, cells):
            x = each[image].unflatten(0, (boxes, -1)).permute(2, 3, 0, 1)
            sure = x[..., object_at].sigmoid()
            if gaussian:
                sure = sure * (1 - x[..., 1:8:2].sigmoid().mean(-1))
            product = x[..., object_at + 1 :].sigmoid() * sure[..., None]
            at = (product > threshold).nonzero()
            placed = yolo_boxes(x[..., position].sigmoid(), x[..., size], own, cell)
            labels.append(at[:, 3] + 1)
            scores.append(product[product > threshold])
            places.append(placed[at[:, 0], at[:, 1], at[:, 2]])
        found.append(yolo_detect(torch.cat(labels), torch.cat(scores), torch.cat(places), overlap))
    return detection_rows(found)
