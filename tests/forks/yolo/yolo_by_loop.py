"""RegionLoss and Yolov3 box by box, from darknet's formulas."""

import math

import numpy as np


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def iou(a, b):
    w = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    h = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    shared = w * h if w > 0 and h > 0 else 0
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def likeness(kind, a, b):
    w = max(a[0] + a[2] / 2, b[0] + b[2] / 2) - min(a[0] - a[2] / 2, b[0] - b[2] / 2)
    h = max(a[1] + a[3] / 2, b[1] + b[3] / 2) - min(a[1] - a[3] / 2, b[1] - b[3] / 2)
    plain = iou(a, b)
    union = (a[2] * a[3] + b[2] * b[3]) / (1 + plain)
    apart = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (w * w + h * h)
    if kind == "GIOU":
        return plain - (w * h - union) / (w * h)
    if kind == "DIOU":
        return plain - apart**0.6
    if kind == "CIOU":
        v = 4 / math.pi**2 * (math.atan(b[2] / b[3]) - math.atan(a[2] / a[3])) ** 2
        return plain - apart - v * v / (1 - plain + v + 1e-6)
    return plain


def predicted(x, i, j, anchor, height, width):
    return [
        (j + sigmoid(x[0])) / width,
        (i + sigmoid(x[1])) / height,
        math.exp(x[2]) * anchor[0] / width,
        math.exp(x[3]) * anchor[1] / height,
    ]


def objects(rows):
    for row in rows.reshape(-1, 5):
        if row[3] == 0:
            return
        yield int(row[0]), list(row[1:])


def region(x, truth, anchors, classes, thresh, scales, rescore=True, bias_match=True):
    """Gradients in the shape of x (N, A * (5 + C), H, W), not divided by N."""
    found, empty, coord, of_class = scales
    n, _, height, width = x.shape
    x = x.reshape(n, len(anchors), 5 + classes, height, width)
    d = np.zeros_like(x)
    for b, a, i, j in np.ndindex(n, len(anchors), height, width):
        box = predicted(x[b, a, :, i, j], i, j, anchors[a], height, width)
        if max([0, *(iou(box, t) for _, t in objects(truth[b]))]) <= thresh:
            s = sigmoid(x[b, a, 4, i, j])
            d[b, a, 4, i, j] = empty * s * s * (1 - s)
    for b in range(n):
        for label, t in objects(truth[b]):
            i, j = int(t[1] * height), int(t[0] * width)
            sizes = [(w / width, h / height) for w, h in anchors]
            boxes = [
                predicted(x[b, a, :, i, j], i, j, anchors[a], height, width)
                for a in range(len(anchors))
            ]
            if not bias_match:
                sizes = [box[2:] for box in boxes]
            a = int(np.argmax([iou([0, 0, *size], [0, 0, *t[2:]]) for size in sizes]))
            raw = x[b, a, :, i, j]
            s = [sigmoid(value) for value in raw[:5]]
            scale = coord if rescore else coord * (2 - t[2] * t[3])
            exps = np.exp(raw[5:] - raw[5:].max())
            d[b, a, :, i, j] = [
                scale * (s[0] - (t[0] * width - j)) * s[0] * (1 - s[0]),
                scale * (s[1] - (t[1] * height - i)) * s[1] * (1 - s[1]),
                scale * (raw[2] - math.log(t[2] * width / anchors[a][0])),
                scale * (raw[3] - math.log(t[3] * height / anchors[a][1])),
                found * (s[4] - (iou(boxes[a], t) if rescore else 1)) * s[4] * (1 - s[4]),
                *(of_class * (exps / exps.sum() - np.eye(classes)[label])),
            ]
    return d.reshape(n, -1, height, width)


def version3(x, truth, anchors, mask, cell, classes, thresh, class_scale, coord, **options):
    """Gradients in the shape of x, not divided by N, of the squared error of boxes (MSE)."""
    eps, iou_thresh = options.get("eps", 0.1), options.get("iou_thresh", 0.5)
    n, _, height, width = x.shape
    mine = [(anchors[k][0] / cell, anchors[k][1] / cell) for k in mask]
    x = x.reshape(n, len(mask), 5 + classes, height, width)
    d = np.zeros_like(x)
    for b, a, i, j in np.ndindex(n, len(mask), height, width):
        box = predicted(x[b, a, :, i, j], i, j, mine[a], height, width)
        if max([0, *(iou(box, t) for _, t in objects(truth[b]))]) <= thresh:
            d[b, a, 4, i, j] = sigmoid(x[b, a, 4, i, j])
    had = set()
    for b in range(n):
        for label, t in objects(truth[b]):
            i, j = int(t[1] * height), int(t[0] * width)
            alike = [
                iou([0, 0, w / (width * cell), h / (height * cell)], [0, 0, *t[2:]])
                for w, h in anchors
            ]
            best = int(np.argmax(alike))
            chosen = [mask.index(best)] if best in mask else []
            chosen += [a for a, k in enumerate(mask) if k != best and alike[k] > iou_thresh < 1]
            for a in chosen:
                raw = x[b, a, :, i, j]
                s = np.array([sigmoid(value) for value in raw])
                scale = coord * (2 - t[2] * t[3])
                d[b, a, :5, i, j] = [
                    scale * (s[0] - (t[0] * width - j)),
                    scale * (s[1] - (t[1] * height - i)),
                    scale * (raw[2] - math.log(t[2] * width / mine[a][0])),
                    scale * (raw[3] - math.log(t[3] * height / mine[a][1])),
                    s[4] - 1,
                ]
                wanted = np.full(classes, eps / 2)
                wanted[label] = 1 - eps / 2
                if (b, a, i, j) in had:
                    d[b, a, 5 + label, i, j] = class_scale * (s[5 + label] - wanted[label])
                elif options.get("focal"):
                    p = s[5 + label]
                    factor = -(1 - p) * (2 * p * math.log(p) + p - 1) / 2
                    one = np.eye(classes)[label]
                    d[b, a, 5:, i, j] = class_scale * (s[5:] - one) * factor
                else:
                    d[b, a, 5:, i, j] = class_scale * (s[5:] - wanted)
                had.add((b, a, i, j))
    return d.reshape(n, -1, height, width)
